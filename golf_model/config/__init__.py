"""The configuration: every knob of a run, its unit and source, checked where it is built. Stdlib only.

One file for each section of a job's `config:`; golf_config has the whole. What a run needs from its surroundings
(seed, data, tokenizer, run id) is not configuration and comes from the environment.
"""
