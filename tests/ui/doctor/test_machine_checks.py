"""What doctor reads from the computer itself: each check on one that is well and on one that is not."""

from __future__ import annotations

import os
import socket

import pytest

from mqtt.messages import ConnectionState
from tests.rights import as_nobody, folder_for_all
from tests.ui.doctor.conftest import DATA, Computer, changed, found, levels, line, told, with_settings
from tests.ui.stand_in import problem
from ui.doctor.checks import clock, disk, front_panel, memory, network, permissions, power, services
from ui.doctor.told import Told

WELL = (
    "LoadState=loaded\nActiveState=active\nSubState=running\nResult=success\nNRestarts=0\nExecMainStatus=0\n"
    "ActiveEnterTimestamp=now\nWatchdogUSec=2min\nUnitFileState=enabled\nJob=0\n"
)


def units(**worse: str) -> str:
    """What `systemctl show` prints; of the appliance's unit some facts are worse."""
    texts = ["Id=pyarchive-broker.path\n" + WELL.replace("NRestarts=0\n", "").strip()]
    for unit in services.UNITS:
        text = f"Id={unit}\n{WELL}"
        for name, value in worse.items() if "appliance" in unit else ():
            text = "\n".join(f"{name}={value}" if row.startswith(f"{name}=") else row for row in text.splitlines())
        texts.append(text.strip())
    return "\n\n".join(texts) + "\n"


def test_services_that_run_are_good(computer: Computer) -> None:
    computer.installed()
    computer.prints("systemctl", units())
    assert levels(services.services, computer) == ["good"] * 5


def test_the_network_share_is_a_service_where_one_was_chosen(computer: Computer) -> None:
    computer.installed(share=True)
    computer.prints("systemctl", units())
    assert "smbd.service is not there" in found(services.services, computer)[-1].text


@pytest.mark.parametrize(
    ("worse", "level", "words"),
    [
        ({"ActiveState": "failed", "SubState": "failed", "Result": "oom-kill"}, "mend", "memory was short"),
        ({"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "7", "Result": "watchdog"}, "mend",
         "(it stood still; systemd has started it again 7 times"),
        ({"ActiveState": "inactive", "SubState": "dead"}, "mend", "sudo systemctl start pyarchive-appliance.service"),
        ({"ActiveState": "inactive", "SubState": "dead", "Job": "118"}, "look", "is starting, or is about to"),
        ({"UnitFileState": "disabled"}, "mend", "sudo systemctl enable pyarchive-appliance.service"),
        ({"LoadState": "not-found"}, "mend", "sudo ./install.sh"),
        ({"NRestarts": "2"}, "look", "started it again 2 times"),
    ],
)  # fmt: skip
def test_a_service_that_is_not_well_is_said_with_its_reason(computer: Computer, worse: dict[str, str], level: str, words: str) -> None:
    computer.installed()
    computer.prints("systemctl", units(**worse))
    findings = found(services.services, computer)
    assert [str(each.level) for each in findings] == ["good", level, "good", "good", "good"]
    assert words in f"{findings[1].text} -> {findings[1].next_step}"


def test_a_systemd_that_hangs_or_fails_is_said_and_holds_nothing_up(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.installed()
    computer.program("systemctl", "exit 1")
    assert levels(services.services, computer) == ["look"]
    monkeypatch.setattr("ui.doctor.machine.Machine.run.__kwdefaults__", {"timeout_s": 0.2})
    computer.program("systemctl", "exec sleep 60")
    assert line(services.services, computer).startswith("look: the program systemctl gave no answer in time")


def test_without_an_installation_services_do_not_apply(computer: Computer) -> None:
    assert levels(services.services, computer) == ["skipped"]


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        ("NTPSynchronized=yes\nNTP=yes", "good"),
        ("NTPSynchronized=no\nNTP=yes", "look"),
        ("NTPSynchronized=no\nNTP=no", "mend"),
        ("", "skipped"),
    ],
)
def test_a_clock_that_nobody_sets_must_be_mended(computer: Computer, facts: str, level: str) -> None:
    computer.prints("timedatectl", facts)
    assert levels(clock.clock, computer) == [level]


def test_the_appliance_has_a_word_on_the_clock_too(computer: Computer) -> None:
    computer.prints("timedatectl", "NTPSynchronized=yes")
    assert levels(clock.clock, computer, told()) == ["good", "good"]
    assert levels(clock.clock, computer, told(problems=[problem("clock")])) == ["good"], "that is told with its problems"


def test_a_clock_that_an_admin_trusts_is_no_fault(computer: Computer) -> None:
    computer.prints("timedatectl", "NTPSynchronized=no\nNTP=no\nCanNTP=no")
    assert "sudo apt-get install systemd-timesyncd" in line(clock.clock, computer)
    assert levels(clock.clock, computer, with_settings(told(), trust_clock=True)) == ["good", "good"]


def test_a_battery_clock_without_a_battery_is_said(computer: Computer) -> None:
    assert levels(clock.battery, computer) == ["skipped"]
    computer.put("/sys/class/rtc/rtc0/name", "rpi-rtc soc:rpi_rtc")
    computer.put("/sys/class/rtc/rtc0/battery_voltage", "3050000")
    assert levels(clock.battery, computer) == ["good"]
    computer.put("/sys/class/rtc/rtc0/battery_voltage", "12000")
    assert levels(clock.battery, computer) == ["look"]


# The disk


def on_disk(computer: Computer, kind: str = "ext4", disk: str = "sda", options: str = "rw,noatime") -> None:
    partition = computer.folder(f"/sys/devices/platform/{disk}/{disk}1")
    (partition / "partition").touch()
    link = computer.folder("/sys/dev/block") / "8:1"
    link.unlink(missing_ok=True)
    link.symlink_to(partition)
    computer.put(
        "/proc/self/mountinfo", f"20 1 8:9 / / rw - ext4 /dev/root rw\n30 20 8:1 / /var/lib rw,noatime - {kind} /dev/{disk}1 {options}\n"
    )
    computer.folder(DATA)


@pytest.mark.parametrize(
    ("kind", "device", "options", "expected"),
    [
        ("ext4", "sda", "rw", ["good"]), ("ext4", "mmcblk0", "rw", ["look"]), ("vfat", "sda", "rw", ["mend"]),
        ("exfat", "sda", "rw", ["mend"]),
        ("nfs4", "sda", "rw", ["look"]), ("tmpfs", "sda", "rw", ["mend"]), ("ext4", "sda", "ro", ["good", "mend"]),
    ],
)  # fmt: skip
def test_the_disk_of_the_data_folder_is_judged(computer: Computer, kind: str, device: str, options: str, expected: list[str]) -> None:
    on_disk(computer, kind, device, options)
    assert levels(disk.kind, computer) == expected


def test_an_emmc_that_is_soldered_in_is_no_card(computer: Computer) -> None:
    on_disk(computer, disk="mmcblk0")
    computer.put("/sys/block/mmcblk0/device/type", "MMC")
    assert levels(disk.kind, computer) == ["good"]


@pytest.mark.parametrize(
    ("life", "spare", "level"),
    [
        ("0x02 0x01", "0x01", "good"),
        ("0x08 0x01", "0x01", "look"),
        ("0x01 0x01", "0x02", "look"),
        ("0x0b 0x01", "0x01", "mend"),
        ("0x01 0x01", "0x03", "mend"),
    ],
)
def test_a_worn_emmc_is_said_before_it_fails(computer: Computer, life: str, spare: str, level: str) -> None:
    on_disk(computer, disk="mmcblk0")
    computer.put("/sys/block/mmcblk0/device/life_time", life)
    computer.put("/sys/block/mmcblk0/device/pre_eol_info", spare)
    assert levels(disk.wear, computer) == [level]


@pytest.mark.skipif(os.geteuid() != 0, reason="SMART is for root")
@pytest.mark.parametrize(
    ("answer", "level"),
    [
        ('{"smart_status": {"passed": true}}', "good"), ('{"smart_status": {"passed": false}}', "mend"),
        ('{"smart_status": {"passed": true}, "nvme_smart_health_information_log": {"percentage_used": 85}}', "look"),
        ("nonsense", "skipped"),
    ],
)  # fmt: skip
def test_what_smart_says_of_a_disk_counts(computer: Computer, answer: str, level: str) -> None:
    on_disk(computer)
    computer.prints("smartctl", answer)
    assert levels(disk.wear, computer) == [level]


def test_what_was_written_to_the_disk_is_told(computer: Computer) -> None:
    on_disk(computer)
    computer.put("/proc/uptime", "172800.00 1.0")
    computer.put("/proc/diskstats", "   8       0 sda 1 0 8 0 2 0 4000000 0 0 0 0\n   8       1 sda1 1 0 8 0 2 0 9 0 0 0 0\n")
    assert levels(disk.wear, computer) == ["skipped", "good"]
    assert "2.05 GB were written to sda since the computer started 2 days ago, 1.02 GB a day" in found(disk.wear, computer)[-1].text


def test_a_disk_that_cannot_be_seen_is_said(computer: Computer) -> None:
    for look in (disk.kind, disk.wear, power.temperature, memory.memory, power.model):
        assert levels(look, computer) == ["skipped"], look


def test_the_model_of_a_pi_is_told(computer: Computer) -> None:
    computer.put("/proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
    assert line(power.model, computer) == "good: Raspberry Pi 5 Model B Rev 1.0 -> "


@pytest.mark.parametrize(("files", "left", "level"), [(0, 0, "good"), (1000, 400, "good"), (1000, 20, "look")])
def test_a_file_system_that_runs_out_of_files_is_said(files: int, left: int, level: str) -> None:
    assert disk._of_files(os.statvfs_result((4096, 4096, 9, 9, 9, files, left, left, 0, 255))).level == level


def test_errors_that_ext4_has_counted_must_be_mended(computer: Computer) -> None:
    on_disk(computer)
    computer.put("/sys/fs/ext4/sda1/errors_count", "0")
    assert levels(disk.errors, computer) == ["good"]
    computer.put("/sys/fs/ext4/sda1/errors_count", "3")
    assert levels(disk.errors, computer) == ["mend"]


@pytest.mark.parametrize(("free", "level"), [(500, "good"), (90, "look"), (40, "mend"), (50, "mend")])
def test_room_is_counted_as_the_appliance_counts_it(computer: Computer, free: int, level: str) -> None:
    computer.folder(DATA)
    known = told(disk={"total_bytes": 1000, "free_bytes": free, "reserve_bytes": 50})
    assert found(disk.room, computer, known)[0].level == level


def test_a_data_folder_that_is_not_there_must_be_mended(computer: Computer) -> None:
    assert levels(disk.room, computer) == ["mend"]


# Power, memory, pins


@pytest.mark.parametrize(("bits", "level"), [("0x0", "good"), ("0x50005", "mend"), ("0x10000", "mend"), ("0x80008", "look")])
def test_a_weak_power_supply_is_said_from_the_bits_of_the_pi(computer: Computer, bits: str, level: str) -> None:
    computer.prints("vcgencmd", f"throttled={bits}")
    assert levels(power.supply, computer) == [level]


def test_a_weak_power_supply_is_said_from_the_kernels_sensor(computer: Computer) -> None:
    assert levels(power.supply, computer) == ["skipped"]
    computer.put("/sys/class/hwmon/hwmon1/name", "rpi_volt")
    computer.put("/sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0")
    assert levels(power.supply, computer) == ["good"]
    computer.put("/sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1")
    assert levels(power.supply, computer) == ["mend"]


def test_what_the_appliance_tells_of_power_and_heat_is_not_read_a_second_time(computer: Computer) -> None:
    computer.prints("vcgencmd", "throttled=0x50005")
    computer.put("/sys/class/thermal/thermal_zone0/temp", "90000")
    for hardware, expected in (
        ({"under_voltage": False, "temperature_c": 50}, ["good", "good"]),
        ({"under_voltage": True, "temperature_c": 76}, ["mend", "look"]),
        ({"under_voltage": False, "under_voltage_lately": True, "temperature_c": 84}, ["mend", "mend"]),
        ({"under_voltage": None, "temperature_c": None}, ["mend", "mend"]),
    ):
        known = told()
        known = changed(known, messages={**known.messages, "appliance/hardware": hardware})
        assert levels(power.supply, computer, known) + levels(power.temperature, computer, known) == expected


@pytest.mark.parametrize(("millidegrees", "level"), [("52000", "good"), ("76000", "look"), ("84000", "mend")])
def test_heat_is_said(computer: Computer, millidegrees: str, level: str) -> None:
    computer.put("/sys/class/thermal/thermal_zone0/temp", millidegrees)
    assert levels(power.temperature, computer) == [level]


@pytest.mark.parametrize(
    ("available", "kills", "expected"), [(500, 0, ["good", "good"]), (80, 0, ["look", "good"]), (20, 2, ["mend", "look"])]
)
def test_short_memory_and_its_victims_are_said(computer: Computer, available: int, kills: int, expected: list[str]) -> None:
    computer.put("/proc/meminfo", f"MemTotal: 1000 kB\nMemAvailable: {available} kB\n")
    computer.put("/proc/vmstat", f"nr_free 1\noom_kill {kills}\n")
    assert levels(memory.memory, computer) == expected


def test_a_service_that_was_ended_for_lack_of_memory_is_named(computer: Computer) -> None:
    computer.installed()
    computer.put("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 900 kB\n")
    computer.put("/sys/fs/cgroup/system.slice/pyarchive-panel.service/memory.events", "low 0\noom 1\noom_kill 3\n")
    assert levels(memory.memory, computer) == ["good", "mend"]
    assert "pyarchive-panel.service 3 times" in found(memory.memory, computer)[1].text


def test_who_else_holds_a_pin_is_named(computer: Computer) -> None:
    known = with_settings(told(), lamp_pin=17, button_pin=27)
    assert levels(front_panel.holders, computer, known) == ["skipped"]
    computer.put(
        "/sys/kernel/debug/gpio",
        " gpio-586 (GPIO17              |lg                  ) out hi\n gpio-596 (GPIO27              |lg                  ) in  hi\n",
    )
    assert levels(front_panel.holders, computer, known) == ["good"]
    computer.put("/sys/kernel/debug/gpio", " gpio-586 (GPIO17              |dc@0                ) out hi\n")
    assert "GPIO 17 (lamp) is held by dc@0" in line(front_panel.holders, computer, known)


def test_no_way_out_of_the_house_is_said(computer: Computer) -> None:
    computer.put("/proc/net/route", "Iface\tDestination\tGateway\neth0\t00000000\t0101A8C0\n")
    assert line(network.route, computer).startswith("good: there is a way out of the house, by eth0")
    computer.put("/proc/net/route", "Iface\tDestination\tGateway\neth0\t0001A8C0\t00000000\n")
    assert levels(network.route, computer) == ["skipped"], "no remote needs one"
    assert levels(network.route, computer, on_drive("http://127.0.0.1:1")) == ["mend"]


def on_drive(endpoint: str) -> Told:
    drive = ConnectionState(id="c1", kind="drive", name="Drive", active=True, valid=True)
    return with_settings(told(drive), drive_endpoint=endpoint)


def test_what_the_remote_needs_of_the_network_is_tried_and_nothing_else(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in network._PROXIES:
        monkeypatch.delenv(name, raising=False)
    assert levels(network.remote, computer, told()) == ["skipped"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        known = on_drive(f"http://127.0.0.1:{server.getsockname()[1]}")
        assert levels(network.remote, computer, known) == ["good"]
        monkeypatch.setattr(network, "_SLOW_S", 0.0)
        assert levels(network.remote, computer, known) == ["look"]
    assert "127.0.0.1 cannot be reached" in line(network.remote, computer, known)
    assert "DNS does not work" in line(network.remote, computer, on_drive(f"http://{'x' * 70}.example"))
    assert levels(network.remote, computer, on_drive(f"http://{'x' * 70}.example")) == ["mend"]
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert levels(network.remote, computer, known) == ["skipped"]


def test_a_name_in_the_house_that_nobody_tells_must_be_mended(computer: Computer) -> None:
    computer.installed(mdns=True)
    computer.put("/etc/hostname", "pyarchive\n")
    computer.prints("systemctl", "inactive")
    assert levels(network.house_name, computer) == ["mend"]
    computer.prints("systemctl", "active")
    computer.prints("avahi-resolve", "pyarchive.local\t192.168.1.20")
    assert "pyarchive.local is found as 192.168.1.20" in line(network.house_name, computer)
    computer.prints("avahi-resolve", "")
    assert levels(network.house_name, computer) == ["look"]
    computer.installed(host_name="archive.example.org")
    assert levels(network.house_name, computer) == ["skipped"]
    computer.installed(mdns=False)
    assert levels(network.house_name, computer) == ["skipped"]


# Who may read what


def test_folders_and_secrets_that_nobody_else_may_read_are_good(computer: Computer) -> None:
    computer.installed()
    for name in ("secrets", "catalog", "ledger"):
        computer.folder(f"{DATA}/{name}", 0o700)
    computer.put(f"{DATA}/secrets/connection-1.json", "{}", 0o600)
    assert levels(permissions.folders, computer) == ["good"]
    assert levels(permissions.secrets, computer) == ["good"]


@pytest.mark.parametrize(("name", "mode"), [("secrets", 0o750), ("catalog", 0o755), ("store", 0o755), ("ledger", 0o701)])
def test_a_folder_that_others_may_read_must_be_mended(computer: Computer, name: str, mode: int) -> None:
    computer.installed()
    path = computer.folder(f"{DATA}/{name}", mode)
    [finding] = found(permissions.folders, computer)
    assert finding.level == "mend"
    command = finding.next_step.split(" && sudo ")[-1].replace(f"{DATA}/{name}", str(path))
    assert os.system(command) == 0, command
    assert levels(permissions.folders, computer) == ["good"], "what was advised did not help"


def test_a_secret_of_another_owner_must_be_mended(computer: Computer) -> None:
    computer.installed()
    computer.folder(f"{DATA}/secrets", 0o700)
    computer.put(f"{DATA}/secrets/epochs.json", "{}", 0o600)
    computer.users(somebody=os.getuid())
    assert "belongs to somebody, not to pyarchive-appliance" in line(permissions.secrets, computer)


def test_passwords_of_the_broker_are_roots_and_mosquittos_alone(computer: Computer) -> None:
    computer.installed()
    computer.users(root=os.getuid())
    secret = computer.put("/etc/pyarchive/mosquitto/credentials/appliance.toml", "", 0o600)
    assert levels(permissions.broker_files, computer) == ["good"]
    secret.chmod(0o640)
    assert levels(permissions.broker_files, computer) == ["mend"]


def test_the_commands_login_is_for_the_admins_group_alone(computer: Computer) -> None:
    computer.installed()
    computer.users(root=os.getuid())
    computer.put("/etc/group", f"pyarchive-admin:x:{os.getgid()}:\n")
    login = computer.put("/etc/pyarchive/mosquitto/credentials/cli.toml", "", 0o640)
    assert levels(permissions.broker_files, computer) == ["good"]
    computer.put("/etc/group", f"everybody:x:{os.getgid()}:\n")
    assert "may be read by the group everybody, not by pyarchive-admin" in line(permissions.broker_files, computer)
    login.chmod(0o644)
    assert "may be read by everybody" in line(permissions.broker_files, computer)


def test_what_may_not_be_seen_is_said() -> None:
    with folder_for_all() as root:
        computer = Computer(root)
        computer.put("/proc/meminfo", "", 0o000)
        computer.folder(f"{DATA}/secrets", 0o000)
        with as_nobody():
            assert "root sees more" in line(memory.memory, computer)
            assert "root sees more" in line(permissions.secrets, computer)
