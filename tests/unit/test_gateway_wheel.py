"""Items expire late by a slot at most, never early, and never once they have been taken out."""

from tidegate.dataplane.gateway import wheel


class Loop:
    """Time that moves when told."""

    def __init__(self):
        self.now, self.timers = 100.0, []

    def call_later(self, delay, callback):
        self.timers.append((self.now + delay, callback))
        return callback

    def advance(self, seconds):
        end = self.now + seconds
        while self.timers and min(self.timers, key=lambda one: one[0])[0] <= end:
            due = min(self.timers, key=lambda one: one[0])
            self.timers.remove(due)
            self.now = due[0]
            due[1]()
        self.now = end


class Item(wheel.Item):
    def __init__(self, loop, then=None):
        self.loop, self.at, self.then = loop, [], then

    def expired(self):
        self.at.append(self.loop.now)
        if self.then:
            self.then()


def test_items_expire_in_time():
    loop = Loop()
    turning = wheel.Wheel(loop, lambda: loop.now)
    items = {delay: Item(loop) for delay in (0.0, 0.001, 0.0049, 0.005, 0.5, 3.0)}
    for delay, item in items.items():
        turning.add(item, loop.now + delay)
    loop.advance(4.0)
    for delay, item in items.items():
        assert len(item.at) == 1
        assert 100.0 + delay <= item.at[0] <= 100.0 + delay + 2.1 * wheel.SLOT


def test_what_was_taken_out_does_not_expire_even_by_one_that_expires_with_it():
    loop = Loop()
    turning = wheel.Wheel(loop, lambda: loop.now)
    other = Item(loop)
    first = Item(loop, then=lambda: turning.remove(other))
    other.then = lambda: turning.remove(first)
    turning.add(first, 100.1)
    turning.add(other, 100.1)
    gone = Item(loop)
    turning.add(gone, 100.1)
    turning.remove(gone)
    loop.advance(1.0)
    assert (len(first.at) + len(other.at), gone.at) == (1, [])


def test_an_empty_wheel_stands_still_and_turns_again_when_needed():
    loop = Loop()
    turning = wheel.Wheel(loop, lambda: loop.now)
    turning.add(Item(loop), 100.01)
    loop.advance(1.0)
    assert loop.timers == []
    late = Item(loop)
    turning.add(late, loop.now + 0.01)
    loop.advance(0.1)
    assert len(late.at) == 1


def test_an_expired_item_may_be_put_in_again():
    loop = Loop()
    turning = wheel.Wheel(loop, lambda: loop.now)
    item = Item(loop)
    item.then = lambda: turning.add(item, loop.now + 0.1) if len(item.at) == 1 else None
    turning.add(item, 100.1)
    loop.advance(1.0)
    assert len(item.at) == 2
