"""Lines that state sizes, in the dialects that are known by heart; `sizes.py` reads the others by their words."""

from __future__ import annotations

from runner.audit.reading.rows import row_of

SIZE_ROWS = (
    row_of(
        "serialized",
        r"^serialized model[ _](?!size)[^:]{1,60}:\s?(?P<packed>INT) bytes",
        "Serialized model int8+zlib: 15762519 bytes (payload:17178912)",
    ),
    row_of("serialized", r"^serialized model(?: size)?:\s?(?P<plain>INT) bytes", "Serialized model: 67110001 bytes"),
    row_of("raw model", r"^raw model:\s?(?P<plain>INT) bytes", "Raw model: 98765432 bytes, Code: 64123 bytes"),
    row_of(
        "compressed",
        r"^(?:quantized\+compressed|compressed (?:model|artifact|size)|model compressed)\b[^:]{0,60}:"
        r"\s?(?P<packed>INT)\b ?(?:bytes|b\b)",
        "Quantized+compressed (zstd): 15812345 bytes",
        "Compressed model: 15812345 bytes",
        "Compressed artifact: 15812345 B",
        "Compressed size: 15812345 bytes",
        "Model compressed: 15812345 bytes",
    ),
    row_of(
        "quantized model",
        r"^quantized model\b[^:]{0,60}:\s?(?P<packed>INT) bytes",
        "Quantized model: 15,400,000 bytes",
    ),
    row_of(
        "model",
        r"^(?:model artifact|model size|artifact_model)\b[^:=]{0,40}[:=]"
        r"\s?(?P<packed>\d[\d,]{5,15})\b ?(?:bytes|b\b)",
        "Model size: 15,924,324 bytes",
        "Model artifact (int6+zstd): 15924324 bytes",
        "artifact_model: 15924324 B",
    ),
    row_of(
        "code",
        r"^code(?: size)?(?: \([\w .]{1,30}\)|\s?[-+\w]{0,20})?:\s?(?P<code>INT) ?(?:bytes|b\b)",
        "Code size: 47642 bytes",
        "Code size (uncompressed): 139831 bytes",
        "Code size wrapper: 47642 B",
    ),
    row_of(
        "code:",
        r"\bcode:\s?(?P<code>\d{4,9}|\d{1,3}(?:,\d{3}){1,2})\b(?: bytes)?(?![.\d])",
        "artifact:9.87MB ternary:36700160(8612345B) fp:1000448(2000896B) code:71234",
        "budget: code: 71,234 bytes",
    ),
    row_of(
        "code_bytes",
        r"\bcode_bytes\w{0,20}\s?[:=]\s?(?P<code>INT)\b",
        "model_bytes=15812345 code_bytes=64123 total_bytes=15880011",
    ),
    row_of(
        "model_bytes",
        r"\bmodel_bytes\s?[:=]\s?(?P<packed>INT)\b",
        "model_bytes=15812345 code_bytes=64123 total_bytes=15880011",
    ),
    row_of(
        "_bytes",
        r"\b(?:total_bytes|total_submission_bytes|submission_bytes)\s?[:=]\s?(?P<total>INT)\b",
        "model_bytes=15812345 code_bytes=64123 total_bytes=15880011",
        "total_submission_bytes: 15880011",
        "submission_bytes: 15880011",
    ),
    row_of("bytes_total", r"\bbytes_total\s?[:=]\s?(?P<total>INT)\b", "bytes_total: 15880011"),
    row_of(
        "total submission",
        r"^total submission(?: size)? (?!size)[^:]{1,60}:\s?(?P<total>INT)(?: bytes)?\b(?!\.)",
        "Total submission size int8+zlib: 15712345 bytes",
    ),
    row_of(
        "total submission",
        r"^total submission(?: size)?:\s?(?P<bare_total>INT)(?: bytes)?\b(?!\.)",
        "Total submission: 15880011 bytes (15.88 MB)",
    ),
    row_of(
        "total",
        r"^total(?: artifact)?(?: size| bytes)?(?: \([\w+ .]{1,40}\))?"
        r"\s?[:=]\s?(?P<bare_total>\d[\d,]{5,15})\b ?(?:bytes|b\b|/)",
        "Total artifact size: 15,990,398 bytes",
        "Total bytes: 15990398 B",
        "total: 15990398/16000000",
    ),
    row_of(
        "size",
        r"^(?:submission|artifact) size(?: \([\w+ .]{1,40}\))?"
        r"\s?[:=]\s?(?P<bare_total>\d[\d,]{5,15})\b ?(?:bytes|b\b|/)",
        "Submission size: 15,990,398 bytes",
        "Artifact size: 15990398 B",
        "Submission size: 15990398/16000000",
    ),
    row_of(
        "size check",
        r"^size check\b.{0,20}?:\s?(?P<total>INT) / 16,?000,?000",
        "Size check PASSED: 15312345 / 16,000,000 (95.7%)",
    ),
    row_of("budget:", r"^budget:(?P<total>INT)/16,?000,?000", "budget:10123456/16000000 (10.03/16.00MB) FITS"),
    row_of(
        "serialized_artifact",
        r"^serialized_artifact\w{0,20}\s?[:=]\s?(?P<packed>INT)\b",
        "serialized_artifact_lzma:60603974 bytes",
    ),
    row_of("model", r"^model:\s?(?P<packed>\d[\d,]{4,15}) bytes", "Model: 14825760 bytes (14478KB)"),
    row_of(
        "artifact",
        r"\btotal artifact:\s?(?P<bare_total>\d[\d,]{4,15}) bytes",
        "Code size: 1,900 bytes | Total artifact: 14,827,660 bytes",
    ),
    row_of(
        " code = ",
        r"\b(?P<packed>INT) bytes \+ (?P<code>INT) (?:bytes )?code = (?P<total>INT) ?(?:bytes )?total\b",
        "artifact int6+zstd-22: 15697770 bytes + 83709 code = 15781479 total (payload:23125896)",
    ),
)
