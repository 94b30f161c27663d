"""Files and frames of posts in, the same with score columns out; streamed, safe, resumable."""

from .frame import score_frame
from .score import score_file
from .summary import ScoreSummary

__all__ = ["ScoreSummary", "score_file", "score_frame"]
