from django.apps import AppConfig


class DataConfig(AppConfig):
    name = "p3s.server.data"
    label = "data"
    default_auto_field = "django.db.models.BigAutoField"
