from django.apps import AppConfig


class MonitorConfig(AppConfig):
    name = "p3s.server.monitor"
    label = "monitor"
