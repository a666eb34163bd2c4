from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class AccountsConfig(AppConfig):
    name = "p3s.server.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # A login stands in the record, and only the writer writes.
        user_logged_in.disconnect(dispatch_uid="update_last_login")
