"""A handful of flights in the files' own form, so that no test has to read the whole year."""

import pathlib
import zipfile

FLIGHTS = """\
year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour
2013,2,1,830,830,0,1130,1125,5,UA,1,N1,EWR,IAH,200,1400,8,30,2013-02-01T13:00:00Z
2013,2,1,2355,2250,65,304,205,59,B6,2,N2,JFK,SJU,170,1598,22,50,2013-02-02T03:00:00Z
2013,2,1,NA,900,NA,NA,1100,NA,AA,3,N3,LGA,ORD,NA,733,9,0,2013-02-01T14:00:00Z
2013,2,1,900,905,-5,1500,1230,NA,DL,4,N4,JFK,LAX,NA,2475,9,5,2013-02-01T14:00:00Z
2013,1,31,700,700,0,1000,945,15,WN,5,N5,LGA,DEN,240,1620,7,0,2013-01-31T12:00:00Z
2013,1,31,705,700,5,1001,945,16,WN,6,N6,LGA,DEN,240,1620,7,0,2013-01-31T12:00:00Z
"""
WEATHER = """\
origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,time_hour
EWR,2013,2,1,8,30.2,20,60,270,10.3,NA,0,1012.1,10,2013-02-01T13:00:00Z
JFK,2013,2,1,22,31.1,20,60,270,12.7,21.9,0.02,NA,9,2013-02-02T03:00:00Z
LGA,2013,1,31,7,35.1,20,60,270,8.1,NA,0,1001,10,2013-01-31T12:00:00Z
"""


def write(folder: pathlib.Path) -> pathlib.Path:
    """The two files as the package has them: flights zipped, with a stray entry of another system, weather not."""
    with zipfile.ZipFile(folder / "flights.csv.zip", "w") as archive:
        archive.writestr("__MACOSX/._flights.csv", "not this one")
        archive.writestr("flights.csv", FLIGHTS)
    (folder / "weather.csv").write_text(WEATHER)
    return folder
