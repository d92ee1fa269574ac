"""Audio in, numbers out: what a recorded telephone call was like.

It takes blocks of bytes and gives figures and the bytes to archive; it knows nothing of HTTP,
Redis or the store, and never writes to a disk except through the spool it is given.
"""

from addon.analysis.options import Options, roles_with_agent_on
from addon.analysis.recording import RecordingPass, warm_up
from addon.analysis.report import Report
from addon.analysis.whisper import open_transcriber
from addon.analysis.words import Hints, Transcriber, Word

__all__ = [
    "Hints",
    "Options",
    "RecordingPass",
    "Report",
    "Transcriber",
    "Word",
    "open_transcriber",
    "roles_with_agent_on",
    "warm_up",
]
