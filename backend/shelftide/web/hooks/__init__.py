"""Where platforms push to: `/hooks/{connector}`."""

from shelftide.web.hooks.deliveries import HooksController

HOOKS = (HooksController,)

__all__ = ["HOOKS"]
