from django.apps import AppConfig


class PilotsConfig(AppConfig):
    name = "p3s.server.pilots"
    label = "pilots"
    default_auto_field = "django.db.models.BigAutoField"
