from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "p3s.server.journal"
    label = "journal"
    default_auto_field = "django.db.models.BigAutoField"
