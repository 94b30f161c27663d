"""Files of posts in, the same files with score columns out; streamed, safe, resumable."""

from .score import score_file
from .summary import ScoreSummary

__all__ = ["ScoreSummary", "score_file"]
