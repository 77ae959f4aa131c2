"""The queue from a thread to an event loop."""

from __future__ import annotations

import asyncio
import threading

from notebook_stream.running.items import ItemQueue

COUNT = 20_000


def test_every_item_is_read_in_its_order_and_other_tasks_run_meanwhile() -> None:
    async def main() -> tuple[list[int], int]:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        items = ItemQueue[int]()

        def put_all() -> None:
            for n in range(COUNT):
                items.put(n)

        items.put(-1)  # nobody reads yet
        items.read_here()
        other = asyncio.create_task(turn())
        putting = threading.Thread(target=put_all)
        putting.start()
        read = [await items.get() for _ in range(COUNT)]
        putting.join()
        put_all()
        turns = 0
        read_at_once: list[int] = []
        while len(read_at_once) < COUNT or not turns:
            items.put(COUNT)
            read_at_once.append(await items.get())
        other.cancel()
        return read + read_at_once[:COUNT], turns

    read, turns = asyncio.run(main())
    assert read == [*range(COUNT), *range(COUNT)]
    assert turns


def test_each_reader_gets_an_item_that_another_did_not() -> None:
    async def main() -> list[int]:
        items = ItemQueue[int]()
        items.read_here()
        readers = [asyncio.create_task(items.get()) for _ in range(3)]
        await asyncio.sleep(0)
        readers[0].cancel()
        for n in range(2):
            await asyncio.to_thread(items.put, n)
        return sorted(await asyncio.gather(*readers[1:]))

    assert asyncio.run(main()) == [0, 1]
