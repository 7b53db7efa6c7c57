"""The system calls a confined command is refused: a classic BPF program, as `bwrap --seccomp` takes it.

Numbers are from the kernel's tables: arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h.
"""

import errno
import platform
import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

_LOAD_WORD: Final = 0x20
_JUMP_EQUAL: Final = 0x15
_JUMP_GREATER_EQUAL: Final = 0x35
_JUMP_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000
_ERRNO: Final = 0x00050000
_NUMBER_AT: Final = 0
_ARCHITECTURE_AT: Final = 4
_FIRST_ARGUMENT_AT: Final = 16
_SECOND_ARGUMENT_AT: Final = 24
"""Offsets in `struct seccomp_data`; of an argument the low half, on a little-endian machine."""
_X32_BIT: Final = 0x40000000
_NEW_NAMESPACES: Final = 0x7E020080
"""CLONE_NEW{TIME,NS,CGROUP,UTS,IPC,USER,PID,NET}."""
_TERMINAL_INPUT: Final = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX put words into a terminal."""
_FAMILIES: Final = (1, 2, 10, 16)
"""Unix, IPv4, IPv6, netlink: what programs expect to open, though nothing answers."""

REFUSED: Final[Mapping[str, tuple[int, int]]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
"""Name → number on x86-64 and on arm64."""
_X86_ONLY: Final = (154, 172, 173)
"""modify_ldt, iopl, ioperm."""


class _Machine(NamedTuple):
    column: int
    architecture: int
    clone: int
    clone3: int
    socket: int
    ioctl: int


_MACHINES: Final = {
    "x86_64": _Machine(0, 0xC000003E, 56, 435, 41, 16),
    "aarch64": _Machine(1, 0xC00000B7, 220, 435, 198, 29),
}


def program(machine: str | None = None) -> bytes | None:
    """The filter for this machine, or another; None where its system call numbers are not known.

    Refused calls fail with EPERM; `clone3` with ENOSYS, whereupon libraries use `clone`, whose flags a filter
    can read. A call by another architecture's convention ends the process.
    """
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    refused = {numbers[known.column] for numbers in REFUSED.values()}
    if known.column == 0:
        refused |= set(_X86_ONLY)
    code = [
        _step(_LOAD_WORD, _ARCHITECTURE_AT),
        _step(_JUMP_EQUAL, known.architecture, then=1),
        _step(_RETURN, _KILL),
        _step(_LOAD_WORD, _NUMBER_AT),
    ]
    if known.column == 0:
        code += [_step(_JUMP_GREATER_EQUAL, _X32_BIT, otherwise=1), _refusal(errno.EPERM)]
    for number in sorted(refused):
        code += [_step(_JUMP_EQUAL, number, otherwise=1), _refusal(errno.EPERM)]
    code += [_step(_JUMP_EQUAL, known.clone3, otherwise=1), _refusal(errno.ENOSYS)]
    flags = [
        _step(_LOAD_WORD, _FIRST_ARGUMENT_AT),
        _step(_JUMP_ANY_BIT, _NEW_NAMESPACES, otherwise=1),
        _refusal(errno.EPERM),
        _step(_RETURN, _ALLOW),
    ]
    requests = [
        _step(_LOAD_WORD, _SECOND_ARGUMENT_AT),
        *(
            part
            for request in _TERMINAL_INPUT
            for part in (_step(_JUMP_EQUAL, request, otherwise=1), _refusal(errno.EPERM))
        ),
        _step(_RETURN, _ALLOW),
    ]
    families = [
        _step(_LOAD_WORD, _FIRST_ARGUMENT_AT),
        *(
            part
            for family in _FAMILIES
            for part in (_step(_JUMP_EQUAL, family, otherwise=1), _step(_RETURN, _ALLOW))
        ),
        _refusal(errno.EAFNOSUPPORT),
    ]
    for number, rules in ((known.clone, flags), (known.ioctl, requests), (known.socket, families)):
        code += [_step(_JUMP_EQUAL, number, otherwise=len(rules)), *rules]
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def _step(operation: int, operand: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """One `struct sock_filter`; the jumps count the instructions left out."""
    return struct.pack("<HBBI", operation, then, otherwise, operand)


def _refusal(number: int) -> bytes:
    return _step(_RETURN, _ERRNO | number)
