from django.apps import AppConfig


class ResultsConfig(AppConfig):
    name = "p3s.server.results"
    label = "results"
    default_auto_field = "django.db.models.BigAutoField"
