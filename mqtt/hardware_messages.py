"""What the computer under the appliance tells of itself; ``mqtt/messages.py`` has the rest."""

from __future__ import annotations

from pydantic import Field

from mqtt.message import Message


class HardwareState(Message, topic="appliance/hardware", retain=True):
    """The computer that the appliance runs on, as far as it tells. Published when it means something else, not with every degree."""

    model: str | None = Field(default=None, description="What computer it is")
    temperature_c: int | None = Field(default=None, description="Of its processor, in degrees Celsius; within 2 of what it is")
    under_voltage: bool | None = Field(default=None, description="The power supply is too weak at the moment; a Raspberry Pi tells")
    under_voltage_lately: bool | None = Field(
        default=None, description="It was, within the last 24 hours, or since the computer was started"
    )
    throttled: bool | None = Field(default=None, description="The processor is slowed down, because of heat or of the power supply")
    memory_bytes: int | None = Field(default=None, description="How much memory it has")
    memory_used_ratio: float | None = Field(default=None, description="Of all programs, in tenths; files that are only cached do not count")
    load_ratio: float | None = Field(default=None, description="How busy it was over 15 minutes; 1: each core always, in halves")
    card_wear_ratio: float | None = Field(
        default=None, description="How much of its life the card or eMMC has used up, in tenths; only some of them tell"
    )
