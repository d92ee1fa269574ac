"""The one exception tree: what a caller is told, and what happens next, follow from the class.

    AddonError
    ├── SettingsError                  the process does not start; the text names the variable
    ├── StackFailed                    `flask serve` does not start; the text names the child
    ├── LeaseLost                      a job stops: another worker has taken its request over
    ├── Rejected                200    can never succeed: answered at once with the error object
    │   ├── InputMissing               neither audio nor URL, or no request SID
    │   ├── InputConflict              two spellings of one field disagree
    │   ├── InvocationExpired          older than its own TTL, or from the future
    │   ├── UploadTooLarge             more audio than we accept
    │   ├── InputMalformed             a field is not of its form, or may hide another one
    │   ├── WrongAccount               signed, but for an account that is not ours
    │   └── UnknownInstall             not one of KNOWN_INSTALLS
    ├── Forged                  403    not from Twilio
    │   └── Replayed                   with the signature of another request
    ├── Unavailable             503    ours to mend: Twilio asks again, a job is tried again
    │   ├── QueueUnavailable           Redis
    │   ├── StoreUnavailable           the archive's directory or bucket
    │   ├── SourceUnavailable          the recording cannot be fetched just now
    │   │   └── SourceBusy             its host says how long to wait, and is believed
    │   ├── CatalogueUnavailable       the catalogue's database, or its key
    │   ├── RingCentralUnavailable     no usable answer from RingCentral, or a limit reached
    │   ├── UploadBroken               the body was not taken whole
    │   ├── TwilioUnavailable          a REST call of ours to Twilio
    │   └── WrongQueue                  longer than it was taken for: it goes on in another queue
    ├── RecordingFailed                the job ends with a failure result; never tried again
    │   ├── UnreadableAudio            not a recording that anything here can decode
    │   ├── SourceRefused              the recording's address is not one we may fetch from
    │   ├── SourceGone                 the recording is not there any more
    │   ├── DeadlineMissed             no result would be accepted any more
    │   ├── ProcessingFailed           three tries ended without a result
    │   └── ArchiveMismatch            what was written for the archive is not what had come
    ├── DeliveryError                  the result exists, its callback does not take it
    │   ├── CallbackUnavailable        tried again, after `retry_after` where the host says so
    │   ├── CallbackUnauthorised       401 or 403: an operator is called
    │   └── CallbackClosed             refused for good: the result stays in the archive
    ├── OutboundError                  a request of ours; the room that asked says what it means
    │   ├── OutboundRefused            by us: no URL to ask, too many redirects, or too many bytes
    │   │   └── OriginRefused          not an allowed origin, or not at a public address
    │   └── OutboundUnavailable        by the network: no answer, or one that broke off
    ├── ArchiveError
    │   ├── NotStored           404    no such object
    │   ├── AlreadyStored              a conditional create met an object
    │   ├── KeyMissing                 names the key that would open it
    │   ├── Tampered                   the bytes are not what was written
    │   ├── UnreadableDocument  503    written by a release that knows more than this one
    │   ├── RetentionLocked     409    a lock forbids the erasure until its date
    │   └── OnLegalHold         409    a legal hold forbids the erasure until it is lifted
    └── AccessError                    playback and the API
        ├── Unauthenticated     401
        ├── Forbidden           403
        ├── NotFound            404    also what another install's recording answers
        ├── Withheld            403    digits may remain audible: nobody may listen
        ├── GrantExpired        410
        ├── InvalidParameter    400    names the parameter
        └── NotPlayable         422    there, but not in the form that was asked for

`http_status` is what the web answers, `retryable` whether the same call may succeed later, `code`
the number in the error object, and `remedy` a sentence for the person who reads it. The codes
61001 and 61003 are Twilio's own (spec/protocol 1.5); 64xxx are ours, shown at /docs/errors. This
module imports nothing of the project.
"""

from __future__ import annotations


class AddonError(Exception):
    """The root. `message` never holds secrets, URLs or personal data; `retry_after` is seconds."""

    http_status: int = 500
    retryable: bool = False
    code: int = 64000
    remedy: str = "Look at the log for this request SID."

    def __init__(
        self, message: str, *, remedy: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        if remedy is not None:
            self.remedy = remedy


class SettingsError(AddonError):
    """A setting is missing or wrong. The message starts with the variable's name."""

    code = 64001
    remedy = "Correct the variable; .env.example explains each."


class StackFailed(AddonError):
    """A child of `flask serve` cannot be started, or dies again and again before it is ready."""

    code = 64002
    remedy = "Read the child's last lines in the log."


class LeaseLost(AddonError):
    """Another worker is at work on this: whoever hears it stops, and leaves all as it is."""

    code = 64003
    remedy = "Nothing to do: the other worker finishes it."


class Rejected(AddonError):
    """The invocation can never succeed, however often it is sent."""

    http_status = 200
    code = 64100
    remedy = "Correct the request; sending it again will not help."


class InputMissing(Rejected):
    """A required input is absent (Twilio's 61003)."""

    code = 61003
    remedy = "Send the audio or its URL, and the request SID."


class InputConflict(Rejected):
    """Two spellings of the same field carry different values (spec/protocol 1.2)."""

    code = 64102
    remedy = "Send each field once."


class InvocationExpired(Rejected):
    """The invocation date and TTL, where present, do not admit this moment (spec/protocol 1.7)."""

    code = 64103
    remedy = "Check the sender's clock; a replayed request is refused for ever."


class UploadTooLarge(Rejected):
    """More bytes than MAX_UPLOAD_BYTES (spec/protocol 1.4)."""

    code = 64104
    remedy = "Send a temporary URL instead of the bytes, or a shorter recording."


class WrongAccount(Rejected):
    """The account header names an account that is not ours (spec/protocol 1.3)."""

    code = 64105
    remedy = "Set TWILIO_ACCOUNT_SID to the account that publishes the add-on."


class InputMalformed(Rejected):
    """A field has not the form that its name asks for, or its text may hide another field."""

    code = 64106
    remedy = "Send each field in its documented form, and name further fields by other words."


class UnknownInstall(Rejected):
    """The request names an install that is not in KNOWN_INSTALLS, or none."""

    code = 64107
    remedy = "Add the install to KNOWN_INSTALLS, or leave it empty to serve all."


class Forged(AddonError):
    """The signature is missing or wrong: Twilio did not send this, or not to this URL."""

    http_status = 403
    code = 64200
    remedy = "Check PUBLIC_URL and TWILIO_AUTH_TOKEN; Twilio signs the exact public URL."


class Replayed(Forged):
    """The signature was accepted before, for a request that was not this one."""

    code = 64201
    remedy = (
        "A signature is good for one request; docs/operations.md says when genuine ones share one."
    )


class Unavailable(AddonError):
    """Something we depend on does not answer."""

    http_status = 503
    retryable = True
    code = 64300
    remedy = "Nothing to do: it is tried again."


class QueueUnavailable(Unavailable):
    """Redis does not answer, or is too full for new work."""

    code = 64301


class StoreUnavailable(Unavailable):
    """The store does not answer, or refuses to write."""

    code = 64302


class SourceUnavailable(Unavailable):
    """The recording cannot be fetched just now."""

    code = 64303


class SourceBusy(SourceUnavailable):
    """The host says how long to wait, for its limits: that says nothing about the recording."""

    code = 64308


class CatalogueUnavailable(Unavailable):
    """The catalogue's database does not answer, or was made with another CATALOGUE_KEY."""

    code = 64309
    remedy = "Ask without filters and sorting: the archive is listed without the catalogue."


class UploadBroken(Unavailable):
    """The request's body came too slowly, ended early, is framed wrongly, or is one too many."""

    code = 64304
    remedy = "Send it again, or send a temporary URL instead of the bytes."


class TwilioUnavailable(Unavailable):
    """Twilio's REST, TaskRouter or token service gave no answer that we can use."""

    code = 64305


class RingCentralUnavailable(Unavailable):
    """RingCentral gave no answer that we can use, or a user's limit of requests is reached."""

    code = 64306


class WrongQueue(Unavailable):
    """A recording in the queue for short clips has more bytes than a short clip can have."""

    code = 64307


class RecordingFailed(AddonError):
    """The job ends here, with a failure result that carries this code and message."""

    http_status = 200
    code = 64400


class UnreadableAudio(RecordingFailed):
    """No decoder here can read it, or it is no audio at all. The message says which."""

    code = 64401
    remedy = "Send WAV, MP3, FLAC, Ogg, MP4, WebM or AMR audio."


class SourceRefused(RecordingFailed):
    """The address is not under MEDIA_HOSTS, is private, or redirects to such a place.

    `origin` is the one that an operator may allow; None where that would not help.
    """

    code = 64402
    remedy = "Add the host to MEDIA_HOSTS if recordings really come from there."

    def __init__(
        self, message: str, *, remedy: str | None = None, origin: str | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.origin = origin


class SourceGone(RecordingFailed):
    """The recording's address answered that it is gone, through every try."""

    code = 64403
    remedy = "The URL has expired, or the recording was deleted."


class DeadlineMissed(RecordingFailed):
    """Ten times the recording's length has passed (Twilio's 61001)."""

    code = 61001
    remedy = "Work on it goes on: once it is archived, its analysis can be read over the API."


class ProcessingFailed(RecordingFailed):
    """Every try died before a result existed."""

    code = 64404
    remedy = "The recording is kept; look at the log for this request SID."


class ArchiveMismatch(RecordingFailed):
    """Less was written for the archive than was received, or other bytes: never committed."""

    code = 64405
    remedy = "The recording is archived as it was received, with nothing muted in it."


class DeliveryError(AddonError):
    """The result exists, and the callback did not take it (spec/protocol 1.8)."""

    code = 64500


class CallbackUnavailable(DeliveryError):
    """Worth another try, no sooner than `retry_after` seconds from now where the host said so."""

    retryable = True
    code = 64501


class CallbackUnauthorised(DeliveryError):
    """401 or 403: our credentials are wrong, and a person has to look."""

    retryable = True
    code = 64502
    remedy = "Check the callback credentials of this install."


class CallbackClosed(DeliveryError):
    """Refused for good: the window has closed, or the address is not one we may post to."""

    code = 64503
    remedy = "The result stays in the archive and can be read over the API."


class OutboundError(AddonError):
    """A request to another host did not end in a response; see the leaves."""

    code = 64550


class OutboundRefused(OutboundError):
    """We do not go there: the origin is not allowed, its address private, its answer too long."""

    code = 64551
    remedy = "Add the origin to MEDIA_HOSTS or CALLBACK_HOSTS if it is one to trust."


class OriginRefused(OutboundRefused):
    """The `origin` is not an allowed one, or its address is private: an operator may allow it."""

    code = 64553

    def __init__(self, message: str, origin: str) -> None:
        super().__init__(message)
        self.origin = origin


class OutboundUnavailable(OutboundError):
    """The host cannot be reached, or broke off; the same request may succeed later."""

    retryable = True
    code = 64552


class ArchiveError(AddonError):
    """Something about the archive; see the leaves."""

    code = 64600


class NotStored(ArchiveError):
    """No object under this key."""

    http_status = 404
    code = 64601
    remedy = "Check the id."


class AlreadyStored(ArchiveError):
    """A conditional create met an object that is there already: nothing was overwritten."""

    http_status = 409
    code = 64602


class KeyMissing(ArchiveError):
    """None of the keys given opens this object. The message names the key that would."""

    code = 64603
    remedy = "Give the named key in ARCHIVE_PRIVATE_KEYS, or reach its KMS key."


class Tampered(ArchiveError):
    """A tag, hash, signature or binding does not match: these are not the bytes written."""

    code = 64604
    remedy = "Run `flask archive verify --all` and restore the object from a backup."


class UnreadableDocument(ArchiveError):
    """A stored document has a version or a form that this release does not know."""

    http_status = 503
    code = 64606
    remedy = "Run the newest release that has written to this store; nothing was changed."


class RetentionLocked(ArchiveError):
    """A retention lock forbids the erasure; the message names the date."""

    http_status = 409
    code = 64605
    remedy = "Wait for the date, or lift the lock at the store."


class OnLegalHold(ArchiveError):
    """A legal hold forbids to erase or change the recording; the message says when and why."""

    http_status = 409
    code = 64607
    remedy = "Ask the operator, who lifts it with `flask archive hold lift` when it is over."


class AccessError(AddonError):
    """A listener or integrator may not have this."""

    http_status = 403
    code = 64700


class Unauthenticated(AccessError):
    """No credentials, or none that we know."""

    http_status = 401
    code = 64701
    remedy = "Send valid credentials."


class Forbidden(AccessError):
    """Known, but without the right; also a forged grant."""

    code = 64702
    remedy = "Ask an administrator for the right, or for a new link."


class NotFound(AccessError):
    """Nothing here by this name that this caller may know of."""

    http_status = 404
    code = 64703
    remedy = "Check the id."


class Withheld(AccessError):
    """REDACT_DTMF=required, and the recording is not known to be free of digits.

    403 and not 451, which stands for a demand by law: it is this deployment's own rule.
    """

    code = 64707
    remedy = "Ask the operator, who can take it out of the archive with `flask archive get`."


class GrantExpired(AccessError):
    """The link was good once."""

    http_status = 410
    code = 64704
    remedy = "Ask for a new link."


class InvalidParameter(AccessError):
    """A parameter of the query is not of the form that the API documents."""

    http_status = 400
    code = 64705
    remedy = "Correct the parameter; /openapi.json gives the form of each."


class NotPlayable(AccessError):
    """The recording is there, but cannot be decoded, joined or converted as asked."""

    http_status = 422
    code = 64706
    remedy = "Fetch it as it was recorded, without asking for a format."
