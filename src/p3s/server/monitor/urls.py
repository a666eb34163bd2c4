"""Addresses of the pages. They never change their meaning: people send them to each other."""

from typing import Final

from django.urls import path, register_converter

from p3s.server.monitor import views

MOST: Final = 2**63


class RunNumber:
    """A run number is whatever the experiment writes: any integer a database takes, negative ones too."""

    regex = "-?[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if not -MOST <= number < MOST:
            raise ValueError(value)  # Django's way to say that the address does not exist
        return number

    def to_url(self, value: int) -> str:
        return str(value)


class Identity:
    """A uuid as stored. Kept wide, so that no stored one can break a page; without what databases refuse."""

    regex = r"[^/\x00]{1,80}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(RunNumber, "run")
register_converter(Identity, "identity")

app_name = "monitor"
urlpatterns = [
    path("", views.front, name="front"),
    path("runs/<run:run>", views.run, name="run"),
    path("data", views.dataset_list, name="datasets"),
    path("data/<identity:uuid>", views.dataset, name="dataset"),
    path("jobs", views.job_list, name="jobs"),
    path("jobs/<identity:uuid>", views.job, name="job"),
    path("workflows", views.workflow_list, name="workflows"),
    path("workflows/<identity:uuid>", views.workflow, name="workflow"),
    path("pilots", views.pilot_list, name="pilots"),
    path("pilots/<identity:uuid>", views.pilot, name="pilot"),
]
