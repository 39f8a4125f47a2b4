"""The keys under which submission.json says things: names in the order they count, and what other keys look like.

All in plain lower case, words joined by underscores. No behaviour.
"""

from __future__ import annotations

import re

HEADLINES = (
    "val_bpb",
    "mean_val_bpb",
    "val_bpb_mean",
    "mean_bpb",
    "bpb_mean",
    "bpb",
    "final_val_bpb",
    "final_bpb",
    "avg_val_bpb",
    "val_bpb_avg",
    "average_val_bpb",
    "val_bpb_exact",
    "score",
    "val_bpb_sliding",
    "sliding_val_bpb",
    "sliding_bpb",
    "val_bpb_ttt",
    "ttt_val_bpb",
    "post_ttt_val_bpb",
    "best_val_bpb",
)
MEANS = ("mean_val_bpb", "val_bpb_mean", "mean_bpb", "bpb_mean", "avg_val_bpb", "val_bpb_avg", "average_val_bpb")
DEVIATIONS = ("val_bpb_std", "std_val_bpb", "bpb_std", "std_bpb", "val_bpb_stdev", "std", "std_dev", "stdev")
TOTALS = (
    "bytes_total",
    "total_bytes",
    "artifact_bytes",
    "artifact_size_bytes",
    "total_size_bytes",
    "submission_bytes",
    "submission_size_bytes",
    "total_submission_bytes",
    "artifact_bytes_max",
    "max_artifact_bytes",
    "artifact_bytes_mean",
    "mean_artifact_bytes",
    "total_artifact_bytes",
    "size_bytes",
    "artifact_size",
)
CODES = ("bytes_code", "code_bytes", "code_size_bytes", "code_size")
STEPS = (
    "step_stop",
    "steps",
    "training_steps",
    "train_steps",
    "num_steps",
    "steps_completed",
    "total_steps",
    "final_step",
    "train_steps_mean",
    "steps_mean",
    "mean_steps",
)
ANY_BPB = re.compile(r"bpb|bits_per_byte")
ANY_MEAN = re.compile(r"(?:bpb|bits_per_byte)\w*(?:mean|avg|average)|(?:mean|avg|average)\w*bpb")
ANY_DEVIATION = re.compile(r"bpb\w*std|std\w*bpb")
NO_DEVIATION = re.compile(r"pre_?(?:quant|ttt)|baseline|sota|prior|roundtrip|live")
ANY_TOTAL = re.compile(r"(?:artifact|submission|total)\w*(?:bytes|size)|bytes\w*(?:artifact|submission|total)")
NO_TOTAL = re.compile(
    r"code|model|headroom|limit|cap|budget|margin|raw|uncompress|mb$|mib$|kb$|param|token|train|left|mean"
)
NO_TOTAL_MB = re.compile(r"limit|cap|budget|code|model|mean")
MEGABYTES = re.compile(r"^(?:artifact|total|submission)(?:_size)?(?:_(?:mb|mib))?$|^size_mb$")
SEED_LISTS = ("submittable_seeds", "valid_seeds", "seeds_used", "seeds", "seed_list")
SEED_COUNTS = ("n_seeds", "num_seeds", "seed_count", "seeds_count", "number_of_seeds")
SEED_KEY = re.compile(r"^(?:seed)?[_ =-]?(\d{1,9})(?![_ -]?seeds?\b)(?:[_ -].{0,40})?$", re.IGNORECASE)
ELSEWHERE = re.compile(
    r"base|compar|prior|prev|ablat|sota|delta|history|reference|variant|control|timeline|progress|supersed"
    r"|exclud|invalid|reject|legacy|verif|other|alternat|diagnos|env|hyper|config|parent|lineage|upstream|ancest|expect|project(?!_name)"
    r"|target|estimat|predict|goal|plan|leader|published|original|source|proxy|re_?run|compliance"
)
"""Objects that speak of other runs than the submitted one."""
TIED = re.compile(
    r"pre_?(?:quant|ttt|export)|baseline|delta|prior|sota|quantized_(?:val_)?bpb|roundtrip|improve|gain|gap|std|dev|target|vs_"
    r"|live|ema|raw|unquant|best_|worst|min|max|range|tax|diff|reduction|without|before|train|expect|project|estimat|predict|goal|parent"
    r"|lineage|published|leader|threshold|momentum|decay|temp|_lr|lr_|per_step|p_value|count|only|control|peak|note|cost|saving|margin"
    r"|hope|plan|ideal|upstream|source|proxy|per_bpb|spread|drop|energy|flops|ratio|_x$|rank"
)
"""Keys of a seed whose numbers are not its score."""
