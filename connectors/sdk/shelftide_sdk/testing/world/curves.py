"""View curves after Crane and Sornette (PNAS 2008): four classes, power-law relaxation, exact cumulative forms."""

from math import exp, pi, sin

import msgspec

from shelftide_sdk.testing.world.parameters import CURVE_HORIZON_HOURS, THETA, WARP_SWINGS

_FADE_HOURS = 20 * 24.0


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Share of a video's lifetime views that has come `hours` after it went public.

    `kind` is the class, `scale_hours` rounds the power law off near the burst, `peak_hours` is the moment of an
    endogenous burst, `phases` (radians) set the swings of day and noise.
    """

    kind: str
    scale_hours: float
    peak_hours: float = 0.0
    phases: tuple[float, float, float] = (0.0, 0.0, 0.0)
    _grown_at_horizon: float = 0.0

    def __post_init__(self) -> None:
        # Asked for at every instant of every video, so it is worked out once.
        msgspec.structs.force_setattr(self, "_grown_at_horizon", self._grown(self._warped(CURVE_HORIZON_HOURS)))

    def fraction(self, hours: float) -> float:
        """Between 0 and 1, never falling; 0 before publication, 1 at the horizon.

        >>> Curve(kind="exogenous-subcritical", scale_hours=12.0).fraction(CURVE_HORIZON_HOURS)
        1.0
        """
        if hours <= 0:
            return 0.0
        if hours >= CURVE_HORIZON_HOURS:
            return 1.0
        return min(1.0, self._grown(self._warped(hours)) / self._grown_at_horizon)

    def _warped(self, hours: float) -> float:
        # A monotone clock: the swings' amplitudes sum to less than one, so time never runs backward.
        warped = hours
        for (period, amplitude), phase in zip(WARP_SWINGS, self.phases, strict=True):
            omega = 2 * pi / period
            warped += amplitude / omega * (sin(omega * hours + phase) - sin(phase))
        return max(warped, 0.0)

    def _grown(self, hours: float) -> float:
        scale = self.scale_hours
        match self.kind:
            case "exogenous-subcritical":  # rate ~ t ** -(1 + theta)
                return float(scale**-THETA - (hours + scale) ** -THETA)
            case "exogenous-critical":  # rate ~ t ** -(1 - theta)
                return float((hours + scale) ** THETA - scale**THETA)
            case "endogenous-critical":  # rate ~ |t - peak| ** -(1 - 2 theta)
                before = self._around_peak(min(hours, self.peak_hours) - self.peak_hours)
                return (
                    self._around_peak(self.peak_hours) + before + self._around_peak(max(0.0, hours - self.peak_hours))
                )
            case "endogenous-subcritical":  # no burst: interest that wears off
                return 1 - exp(-hours / _FADE_HOURS)
        raise ValueError(f"unknown class of curve: {self.kind!r}")

    def _around_peak(self, distance: float) -> float:
        exponent = 2 * THETA
        grown = (abs(distance) + self.scale_hours) ** exponent - self.scale_hours**exponent
        return float(-grown if distance < 0 else grown)
