"""Raise, keep up and clear alarms: one open alarm a cause."""

from p3s.domain import silence
from p3s.domain.silence import Alarm
from p3s.protocol.bounds import clean
from p3s.server.journal.models import Alarm as Row

from .work import Work

KEEP_EVERY_S = 10.0
"""An alarm that lasts unchanged is written so often: `last_at` is no older."""


def raise_alarm(work: Work, alarm: Alarm) -> None:
    """Raise an alarm, or keep up the open one of its cause; `count` is how often it said something new."""
    row = Row.objects.filter(cause=alarm.cause, cleared_at=None).first()
    if row is None:
        row = Row(cause=alarm.cause, raised_at=work.now, count=0)
    elif row.message == clean(alarm.message) and work.now - row.last_at < KEEP_EVERY_S:
        return
    row.count += row.message != clean(alarm.message)
    row.kind, row.message, row.severity = alarm.kind, clean(alarm.message), alarm.severity
    row.last_at, row.detail = work.now, alarm.detail
    row.save()
    work.topics |= {"alarms", "pilots"}


def clear_alarm(work: Work, row: Row, ending: str) -> None:
    """What it was about is over; `ending` says how."""
    row.cleared_at, row.ending = work.now, ending
    row.save()
    work.topics |= {"alarms", "pilots"}


def watch_silence(work: Work, *, may_be_open: bool) -> bool:
    """Raise or clear the alarm about silent pilots; returns whether it is open. Reads only when there is a reason."""
    alarm = silence.alarm(work.desk.book, work.now)
    if alarm is not None:
        raise_alarm(work, alarm)
    elif may_be_open:
        row = Row.objects.filter(cause=silence.CAUSE, cleared_at=None).first()
        if row is not None:
            clear_alarm(work, row, silence.ending(work.desk.book, row.detail))
    return alarm is not None
