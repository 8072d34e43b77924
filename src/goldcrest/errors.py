"""The error tree: every failure a caller may see, drawn once.

::

    GoldcrestError                     .code is a stable string
    ├─ ServingError                    a request could not be answered
    │  ├─ InvalidRequest               the request is at fault
    │  │  ├─ MalformedRequest          not JSON, or not of the shape asked for
    │  │  ├─ EmptyInput                no text at all
    │  │  ├─ InputTooLong              .n_tokens, .limit
    │  │  ├─ TooManyItems              .n_items, .limit
    │  │  ├─ TooManyTokens             .n_tokens, .limit
    │  │  ├─ TooManyCharacters         .n_characters, .limit
    │  │  ├─ BodyTooLarge              .n_bytes, .limit
    │  │  └─ BodyTooSlow               .limit_s
    │  ├─ Unauthorized                 no key was shown, or one that is not known here
    │  ├─ Forbidden                    the settings do not allow it
    │  ├─ NotServed                    the request is fine, but not for this server
    │  │  ├─ UnknownModel              .name
    │  │  ├─ UnsupportedTask           .task
    │  │  └─ UnknownPath
    │  ├─ Overloaded                   .retry_after_s
    │  ├─ DeadlineExceeded             .waited_s
    │  ├─ Unavailable                  not now; .retry_after_s
    │  │  ├─ Loading
    │  │  ├─ Unloaded
    │  │  └─ Draining
    │  └─ EngineFailed                 wraps what the runtime raised
    │     └─ EngineHung                .retry_after_s
    ├─ ConfigError                     at start-up only
    ├─ DataProblem                     a set of texts cannot be used; .file, .line
    ├─ TrainingError                   a student cannot be trained, or its folder is in the way
    │  └─ TrainingEnded                before its last step; it can go on. .step
    ├─ CheckpointError                 a model could not be read
    │  ├─ CheckpointNotFound
    │  ├─ UnsupportedModel             an architecture or option we do not have
    │  ├─ PickledWeights               refused; names the command that converts them
    │  ├─ TensorProblem                missing, misshapen or truncated; .tensor
    │  └─ NoTrainedHead                the checkpoint was never trained for the task
    ├─ ComparisonError                 models were compared, and there is no pick
    │  ├─ ProbeFailed                  a contender could not be measured; .name
    │  ├─ NothingMeasured              none of them could
    │  └─ NothingFits                  none keeps every limit; .nearest
    └─ ArtifactError                   a folder to be served is not whole
       ├─ ArtifactCorrupt              .file
       ├─ QuantizeFailed
       ├─ QualityLost                  more than it may; .metric, .points, .limit
       └─ NoVariant                    none that this processor can run
"""

from __future__ import annotations


class GoldcrestError(Exception):
    """Every error that Goldcrest raises on purpose."""

    code = "error"


class ServingError(GoldcrestError):
    """A request could not be answered."""

    code = "serving_error"


class InvalidRequest(ServingError):
    """The request is at fault and will fail again."""

    code = "invalid_request"


class MalformedRequest(InvalidRequest):
    """The body is not JSON, or not of the shape asked for."""

    code = "malformed_request"


class EmptyInput(InvalidRequest):
    """There is no text to answer for."""

    code = "empty_input"


class InputTooLong(InvalidRequest):
    """An item has more tokens than allowed and the caller forbade truncation."""

    code = "input_too_long"

    def __init__(self, n_tokens: int, limit: int, index: int = 0) -> None:
        super().__init__(
            f"item {index} has {n_tokens} tokens, more than the limit of {limit}; "
            "shorten it or allow truncation"
        )
        self.n_tokens, self.limit, self.index = n_tokens, limit, index


class TooManyItems(InvalidRequest):
    """A request holds more items than allowed."""

    code = "too_many_items"

    def __init__(self, n_items: int, limit: int) -> None:
        super().__init__(f"the request holds {n_items} items, more than the limit of {limit}")
        self.n_items, self.limit = n_items, limit


class TooManyTokens(InvalidRequest):
    """A request holds more tokens than allowed, all its items and windows together."""

    code = "too_many_tokens"

    def __init__(self, n_tokens: int, limit: int) -> None:
        super().__init__(f"the request holds {n_tokens} tokens, more than the limit of {limit}")
        self.n_tokens, self.limit = n_tokens, limit


class TooManyCharacters(InvalidRequest):
    """What a request expands to has more characters than are worth tokenising."""

    code = "too_many_characters"

    def __init__(self, n_characters: int, limit: int) -> None:
        super().__init__(
            f"the request comes to {n_characters} characters, a text counted as often as it is "
            f"paired, more than the limit of {limit}"
        )
        self.n_characters, self.limit = n_characters, limit


class BodyTooLarge(InvalidRequest):
    """A request body, or one of its texts, has more bytes than allowed."""

    code = "body_too_large"

    def __init__(self, n_bytes: int, limit: int) -> None:
        super().__init__(f"{n_bytes} bytes were sent, more than the limit of {limit}")
        self.n_bytes, self.limit = n_bytes, limit


class BodyTooSlow(InvalidRequest):
    """A request body did not arrive in the time allowed."""

    code = "body_too_slow"

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"the body was not all here after {limit_s:g} s, the time allowed")
        self.limit_s = limit_s


class Unauthorized(ServingError):
    """The caller showed no key, or one that is not known here."""

    code = "unauthorized"


class Forbidden(ServingError):
    """The settings do not let callers do this."""

    code = "forbidden"


class NotServed(ServingError):
    """The request is sound, but this server does not serve what it asks for."""

    code = "not_served"


class UnknownModel(NotServed):
    """No model of that name is served."""

    code = "unknown_model"

    def __init__(self, name: str, served: tuple[str, ...]) -> None:
        super().__init__(f"no model named {name!r} is served; there are: {', '.join(served)}")
        self.name, self.served = name, served


class UnsupportedTask(NotServed):
    """No served model, or not the one named, does that task."""

    code = "unsupported_task"


class UnknownPath(NotServed):
    """No route has that path, or it has other methods."""

    code = "unknown_path"


class Overloaded(ServingError):
    """The work that waits already exceeds the bound; come back later."""

    code = "overloaded"

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineExceeded(ServingError):
    """The request waited past its deadline and never reached the engine."""

    code = "deadline_exceeded"

    def __init__(self, waited_s: float) -> None:
        super().__init__(f"the request waited {waited_s:.3f} s, past its deadline")
        self.waited_s = waited_s


class Unavailable(ServingError):
    """The server cannot answer at this moment."""

    code = "unavailable"

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Loading(Unavailable):
    """The model is not ready yet."""

    code = "loading"


class Unloaded(Unavailable):
    """The model was taken out of service on purpose."""

    code = "unloaded"


class Draining(Unavailable):
    """The server is shutting down: it answers what it has and takes nothing new."""

    code = "draining"


class EngineFailed(ServingError):
    """The runtime failed on this item alone; what it raised is the cause."""

    code = "engine_failed"


class EngineHung(EngineFailed):
    """The runtime did not come back in time, and is being replaced."""

    code = "engine_hung"

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ConfigError(GoldcrestError):
    """A setting is unknown, misspelt or out of range."""

    code = "config_error"


class DataProblem(GoldcrestError):
    """A set of texts, or a label in it, cannot be used as it is."""

    code = "data_problem"

    def __init__(self, message: str, *, file: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.file, self.line = file, line


class TrainingError(GoldcrestError):
    """A student cannot be trained as asked, or the folder for it holds something else."""

    code = "training_error"


class TrainingEnded(TrainingError):
    """The run was ended before its last step; its checkpoint can go on."""

    code = "training_ended"

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step


class CheckpointError(GoldcrestError):
    """A model could not be read."""

    code = "checkpoint_error"


class CheckpointNotFound(CheckpointError):
    """Neither a folder, nor a built-in name, nor a Hub id that can be reached."""

    code = "checkpoint_not_found"


class UnsupportedModel(CheckpointError):
    """The architecture, or an option of it, is not one we have."""

    code = "unsupported_model"


class PickledWeights(CheckpointError):
    """The weights are a pickle, which can run code; it is refused."""

    code = "pickled_weights"


class TensorProblem(CheckpointError):
    """A tensor is missing, misshapen or cut short."""

    code = "tensor_problem"

    def __init__(self, message: str, tensors: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.tensors = tensors


class NoTrainedHead(CheckpointError):
    """The checkpoint holds an encoder that was never trained for the task."""

    code = "no_trained_head"


class ComparisonError(GoldcrestError):
    """Models were compared, and there is no pick."""

    code = "comparison_error"


class ProbeFailed(ComparisonError):
    """A contender's process ended without a result."""

    code = "probe_failed"

    def __init__(self, name: str, said: str) -> None:
        super().__init__(f"{name} could not be measured: {said}")
        self.name, self.said = name, said


class NothingMeasured(ComparisonError):
    """None of the contenders could be measured."""

    code = "nothing_measured"


class NothingFits(ComparisonError):
    """No contender keeps every limit; the report says which one comes nearest."""

    code = "nothing_fits"

    def __init__(self, message: str, nearest: str) -> None:
        super().__init__(message)
        self.nearest = nearest


class ArtifactError(GoldcrestError):
    """A folder that should be served is not whole."""

    code = "artifact_error"


class ArtifactCorrupt(ArtifactError):
    """A file of the artifact is missing or does not match its digest."""

    code = "artifact_corrupt"

    def __init__(self, message: str, file: str) -> None:
        super().__init__(message)
        self.file = file


class QuantizeFailed(ArtifactError):
    """The INT8 variant could not be made."""

    code = "quantize_failed"


class QualityLost(ArtifactError):
    """What was made loses more quality than it may."""

    code = "quality_lost"

    def __init__(
        self, message: str, *, metric: str = "", points: float = 0.0, limit: float = 0.0
    ) -> None:
        super().__init__(message)
        self.metric, self.points, self.limit = metric, points, limit


class NoVariant(ArtifactError):
    """The artifact has no variant that was asked for, or that can run here."""

    code = "no_variant"
