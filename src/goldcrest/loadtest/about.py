"""What a report says beside its figures: the machine, what was sent, and what to mind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from goldcrest.config.machine import usable_processors
from goldcrest.engine.processor import processor
from goldcrest.loadtest.course import Course
from goldcrest.loadtest.profiles import Profile
from goldcrest.loadtest.result import ProfileSummary
from goldcrest.loadtest.statistics import histogram
from goldcrest.loadtest.subject import Machine


def machine() -> Machine:
    """This machine."""
    here = processor()
    return Machine(processor=here.name, features=here.noteworthy, cores=usable_processors())


def profile_summary(
    profile: Profile, tokens: NDArray[np.int32], characters: NDArray[np.int32]
) -> ProfileSummary:
    """What was sent, from the lengths of all its texts."""
    return ProfileSummary(
        name=profile.name,
        classes=profile.classes,
        texts_per_request=profile.texts_per_request,
        repeats=profile.repeats,
        mean_tokens=float(tokens.mean()) if len(tokens) else 0.0,
        mean_characters=float(characters.mean()) if len(characters) else 0.0,
        tokens=histogram(tokens.astype(np.float64)),
        characters=histogram(characters.astype(np.float64)),
    )


def notes(course: Course) -> Sequence[str]:
    """What to mind when the figures are read."""
    told = []
    if course.is_local:
        told.append(
            "Client and server ran on one machine: what the client used of its processor, the "
            "server did not have."
        )
    if course.profile.texts:
        told.append("The profile's texts were sent in turn, each as often as it took.")
    return tuple(told)
