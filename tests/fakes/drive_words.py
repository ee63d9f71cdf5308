"""The words by which the fake Drive names requests and faults."""

from __future__ import annotations

from typing import Literal

Operation = Literal[
    "open", "chunk", "status", "create", "get", "list", "download", "update", "delete", "copy",
    "generate_ids", "about", "drives", "changes", "token", "device_code", "other",
]  # fmt: skip
"""``create`` is without a session (metadata alone, or multipart); ``open`` opens an upload session for a new file or a new content."""

Kind = Literal[
    "400", "401", "403", "404", "408", "409", "410", "429", "500", "502", "503", "504",
    "rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded", "storageQuotaExceeded", "appNotAuthorizedToFile",
    "insufficientFilePermissions", "domainPolicy", "cannotDownloadAbusiveFile", "notFound", "authError", "fileIdInUse",
    "invalid_grant", "invalid_client", "authorization_pending", "slow_down", "access_denied", "expired_token",
    "cut", "lost_answer", "partial", "no_range", "expired", "html", "latency", "freeze",
]  # fmt: skip
