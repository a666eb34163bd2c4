from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "p3s.server.workflows"
    label = "workflows"
    default_auto_field = "django.db.models.BigAutoField"
