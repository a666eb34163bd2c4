"""The cold door: routes for programs, on django-ninja."""
