"""The agent of a house: what there is to fetch, it fetches once and for all workers."""

import asyncio
import logging

import henhouse


async def main() -> None:
    logging.basicConfig(level=logging.INFO, format="agent: %(message)s")
    messenger = await henhouse.join(name="agent.py")

    async def weather(message: henhouse.Message) -> dict:
        # A slow source would be asked here; twenty workers that ask cost it one connection.
        return {"city": message.data["city"], "temperature": 7, "answered_by": messenger.pid}

    async def prices() -> None:
        eggs = 100
        while True:
            await messenger.send_to_app("prices", {"eggs": eggs})
            eggs += 1
            await asyncio.sleep(2)

    messenger.answer("weather", weather)
    await messenger.ready()
    telling = asyncio.create_task(prices())
    drain = await messenger.draining()
    logging.info("draining: %s", drain.cause)
    telling.cancel()
    await messenger.close()


asyncio.run(main())
