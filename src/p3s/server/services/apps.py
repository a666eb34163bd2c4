from django.apps import AppConfig


class ServicesConfig(AppConfig):
    name = "p3s.server.services"
    label = "services"
    default_auto_field = "django.db.models.BigAutoField"
