"""A channel of Slack, told through an incoming webhook.

Source: api.slack.com, "Sending messages using incoming webhooks" and "Formatting text".
"""

from typing import Any, ClassVar

from shelftide_sdk import (
    AuthorizationError,
    ConnectorError,
    ContractError,
    Notice,
    Notifier,
    NotifierContext,
    NotifierInfo,
    SettingField,
)

HOST = "hooks.slack.com"
_GONE = frozenset(
    {"no_service", "no_team", "channel_is_archived", "channel_not_found", "invalid_token", "no_active_hooks"}
)


class Slack(Notifier):
    """One incoming webhook."""

    info: ClassVar[NotifierInfo] = NotifierInfo(
        name="slack",
        title="Slack",
        api_requires=(1, 0),
        hosts=(HOST,),
        settings=(
            SettingField(
                name="address",
                title="Incoming webhook",
                pattern=rf"https://{HOST}/services/[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]+",
                example=f"https://{HOST}/services/T000/B000/XXXX",
                secret=True,
            ),
        ),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Slack answers in plain words; a webhook that is gone stays gone."""
        if response.status_code < 400 or response.status_code == 429 or response.status_code >= 500:
            return None
        word = response.text[:60].strip()
        if word in _GONE:
            return AuthorizationError(f"Slack no longer takes this webhook ({word}).", hint="Make a new one at Slack.")
        return ContractError(f"Slack refused the notice ({word or response.status_code}).")

    async def send(self, ctx: NotifierContext, notice: Notice) -> None:
        """One message: the title as a link to where it is mended, then the words."""
        title, text = escape(notice.title), escape(notice.text)
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": f"*<{notice.url}|{title}>*\n{text}"[:3000]}}]
        await ctx.client.post(ctx.settings["address"], json={"text": title, "blocks": blocks})


def escape(text: str) -> str:
    """Slack reads &, < and > as its own; nothing else."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
