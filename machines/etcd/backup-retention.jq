# Which snapshots stay. Input: {"keep": {"last", "hourly", "daily", "weekly"}, "snapshots": [{"name", "time", "verified",
# "reason"}]}, times in seconds since 1970. Output: the names that stay.
# Only verified ones count in the tiers; of the others the newest stays, for whoever wants to know why it failed.

def newest: sort_by([.time, .name]) | reverse;

# The newest of each period that has one, for the last $count such periods.
def tier($count; period): [group_by(period)[] | newest[0]] | newest | .[:$count];

.keep as $keep
| (.snapshots | map(select(.verified))) as $verified
| [
    ($verified | newest | .[:([$keep.last, 1] | max)]),
    ($verified | tier($keep.hourly; .time / 3600 | floor)),
    ($verified | tier($keep.daily; .time / 86400 | floor)),
    # 1970 began on a Thursday; weeks begin on Mondays.
    ($verified | tier($keep.weekly; (.time + 3 * 86400) / 604800 | floor)),
    # Those taken before a change, by whom or whatever: the last three.
    ($verified | map(select(.reason != "timer")) | newest | .[:3]),
    (.snapshots | map(select(.verified | not)) | newest | .[:1])
  ]
| add | map(.name) | unique
