"""Audio in, numbers out: what a recorded telephone call was like.

It takes blocks of bytes and gives figures and the bytes to archive; it knows nothing of HTTP,
Redis or the store, and never writes to a disk except through the spool it is given.
"""

from addon.analysis.options import Options
from addon.analysis.recording import RecordingPass
from addon.analysis.report import Report
from addon.analysis.sniff import sniff

__all__ = ["Options", "RecordingPass", "Report", "sniff"]
