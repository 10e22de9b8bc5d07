"""The recorder, which follows the prediction log: segments in, Parquet out, and all that is counted in the same transaction.

- `process`: what the keeper starts; `recorder`: its work: everything read is put in place at once
- `following`: what gateways appended since last time, once each, and what is missing
- `gathering`: segments of other hosts, brought here
- `inputs`: what was asked, by column, for Parquet; `veils`: what of it an endpoint keeps
- `upkeep`: merging small files, deleting recorded segments, sweeping up after a kill; `mending`: damage, set aside
- `erasing`: records of who asked to be forgotten, out of the log; `walking`: through its files, for all of them at once;
  `tombstones`: what comes late of them; `expiring`: days that are not kept any more
- `believing`: the time by which what is old is deleted, where a clock may be wrong
- `recounting`: profiles once more, from the files
- `keepsakes`: the latest requests that were answered, for new versions to warm up on

Called by the keeper, as a process. Here nothing is decided: no verdict, no alarm.
"""
