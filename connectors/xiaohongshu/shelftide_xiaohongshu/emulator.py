"""Xiaohongshu on a loopback port: the shop's gateway, and the marketing API of ads and paid notes."""

from shelftide_xiaohongshu.emulator_ark import ArkEmulator
from shelftide_xiaohongshu.emulator_mapi import MapiEmulator

__all__ = ["ArkEmulator", "MapiEmulator"]
