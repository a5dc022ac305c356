"""The server of moto, in which records are put into a shard of Kinesis one after the other: moto 5.2.5 loses some of
those that are put at the same time, as its source says."""

import threading

from moto.kinesis.models import Shard
from moto.server import main

put_record = Shard.put_record
one_at_a_time = threading.Lock()


def put_alone(*args, **options):
    with one_at_a_time:
        return put_record(*args, **options)


Shard.put_record = put_alone
main()
