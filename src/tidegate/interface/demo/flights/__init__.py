"""The flights that left New York in 2013: four models released one after the other into a year of real traffic.

- `story`: the door: learns, plays, reports
- `setting`: the directory, its tidegate.yaml, the two tempos
- `data`: the flights and the weather as a table
- `recipes`: the four versions; two carry a bug that their offline numbers do not show
- `models`: training and measuring them
- `registry`: logging and registering them in MLflow
- `learning`: all of this before the first request, `tidegate up` included
- `replay`: flights as requests, outcomes once they have landed
- `gate`: Tidegate as a user uses it
- `acts`: one release after the other, watched
- `view`: the picture on the screen; `screens` shows it
- `audit`: every id that a client got, looked up in the prediction log
- `report`: the end: table, JSON, what did not come out
"""
