"""Comments: as many as the videos' totals say, replies under theirs, hidden ones told, walked when they move."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from tests.connectors.tiktok.bench import Bench, organic, small_world

from shelftide_sdk.connector import map_rows
from shelftide_sdk.errors import AuthorizationError, ConfigurationError, ContractError
from shelftide_sdk.records import Comment
from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import Brand, Network
from shelftide_tiktok.emulator_comments import CommentBook, hidden, parent_of
from shelftide_tiktok.emulator_door import Denied
from shelftide_tiktok.mapping_organic import map_comment

LIST, REPLIES = "/open_api/v1.3/business/comment/list/", "/open_api/v1.3/business/comment/reply/list/"


def middling(world: World) -> Brand:
    """A brand with some hundreds of comments."""

    def count(brand: Brand) -> int:
        videos = world.videos(brand.key, Network.TIKTOK)
        return sum(v.totals(world.now).comments for v in videos if v.creator_key is None and v.public_at <= world.now)

    return min((b for b in world.brands if "tiktok-organic" in b.accounts), key=lambda b: abs(count(b) - 700))


def wired(seed: int = 7, scenarios: tuple[str, ...] = ()) -> tuple[World, Bench]:
    world = small_world(seed)
    return world, organic(world, middling(world), scenarios)


@pytest.mark.parametrize("seed", [7, 11])
async def test_there_are_as_many_comments_as_each_video_says(seed: int) -> None:
    world, bench = wired(seed)
    comments = (await bench.read("comments")).of(Comment)
    videos = [v for v in world.videos(bench.brand.key, Network.TIKTOK) if v.creator_key is None]
    true = {v.public_id: v.totals(world.now).comments for v in videos if v.public_at <= world.now}
    found = Counter(row.content_id for row in comments)
    assert found == Counter(true)
    assert sum(found.values()) > 100
    assert len({row.source_id for row in comments}) == len(comments)
    times = {v.public_id: v.public_at for v in videos}
    assert all(times[row.content_id].replace(microsecond=0) <= row.written_at <= world.now for row in comments)


async def test_replies_stand_under_their_comments_and_hidden_ones_are_told() -> None:
    world, bench = wired()
    comments = {row.source_id: row for row in (await bench.read("comments")).of(Comment)}
    replies = [row for row in comments.values() if row.parent_id is not None]
    assert replies
    assert Counter(row.parent_id for row in replies) == {
        key: row.replies for key, row in comments.items() if row.parent_id is None and row.replies
    }
    assert all(comments[row.parent_id].content_id == row.content_id for row in replies)
    videos = [v for v in world.videos(bench.brand.key, Network.TIKTOK) if v.creator_key is None]
    concealed = sum(hidden(v, n) for v in videos for n in range(v.totals(world.now).comments))
    assert Counter(row.status for row in comments.values()) == {
        "hidden": concealed,
        "public": len(comments) - concealed,
    }
    assert {row.author_kind for row in replies} == {"brand", None}


async def test_a_thread_too_long_for_the_list_is_read_by_a_call_of_its_own() -> None:
    _, bench = wired()
    comments = (await bench.read("comments")).of(Comment)
    longest = max(row.replies for row in comments)
    assert longest > 5
    assert sum(row.parent_id is not None for row in comments) == sum(row.replies for row in comments)
    assert bench.paths().count(REPLIES) == sum(row.replies > 5 for row in comments)


async def test_only_videos_whose_count_moved_are_walked_again() -> None:
    world, bench = wired()
    first = await bench.read("comments")
    walked = bench.paths().count(LIST)
    again = await bench.read("comments", first.cursor)
    assert again.records == []
    assert bench.paths().count(LIST) == walked
    before = {row.source_id for row in first.of(Comment)}
    videos = [v for v in world.videos(bench.brand.key, Network.TIKTOK) if v.creator_key is None]
    counts = {v.public_id: v.totals(world.now).comments for v in videos if v.public_at <= world.now}
    world.advance(timedelta(days=2))
    third = await bench.read("comments", first.cursor)
    moved = {row.content_id for row in third.of(Comment)}
    now = [v for v in world.videos(bench.brand.key, Network.TIKTOK) if v.creator_key is None]
    grown = {v.public_id for v in now if v.public_at <= world.now}
    grown = {
        v.public_id for v in now if v.public_id in grown and v.totals(world.now).comments > counts.get(v.public_id, 0)
    }
    assert moved == grown
    fresh = [row for row in third.of(Comment) if row.source_id not in before]
    assert len(fresh) == sum(
        v.totals(world.now).comments - counts.get(v.public_id, 0) for v in now if v.public_id in grown
    )


async def test_resumes_after_a_crash_between_and_inside_videos() -> None:
    _, bench = wired()
    whole = await bench.read("comments")
    for pages in range(1, len(whole.pages), max(len(whole.pages) // 6, 1)):
        before = await bench.read("comments", crash_after=pages)
        after = await bench.read("comments", before.cursor)
        assert before.keyed() | after.keyed() == whole.keyed()
        assert after.cursor == whole.cursor


@pytest.mark.parametrize("habit", ["duplicate", "shuffle"])
async def test_bad_habits_change_nothing(habit: str) -> None:
    _, calm = wired()
    _, bench = wired(scenarios=(habit,))
    assert (await bench.read("comments")).keyed() == (await calm.read("comments")).keyed()


async def test_a_missing_permission_names_its_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    _, bench = wired()

    def denied(request: Any, brand: Any) -> Any:
        raise Denied(40001, "No permission to operate comments")

    monkeypatch.setattr(bench.emulator, "_list_comments", denied)
    with pytest.raises(AuthorizationError) as caught:
        await bench.read("comments")
    assert caught.value.missing_scopes == ("comment.list",)
    assert (await bench.read("profiles")).records


@pytest.mark.parametrize("count", [None, "many", -1, 10**40])
async def test_a_video_whose_count_is_no_number_is_walked_each_time(
    monkeypatch: pytest.MonkeyPatch, count: Any
) -> None:
    _, bench = wired()
    page = {"videos": [{"item_id": "7001", "comments": count}], "has_more": False}
    monkeypatch.setattr(bench.emulator, "_list_videos", lambda request, brand: page)
    monkeypatch.setattr(bench.emulator, "_list_comments", lambda request, brand: {"comments": [comment(replies=0)]})
    first = await bench.read("comments")
    assert first.cursor == {}
    assert len((await bench.read("comments", first.cursor)).of(Comment)) == 1


async def test_what_is_deleted_while_it_is_read_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    _, bench = wired()
    whole = {row.source_id: row for row in (await bench.read("comments")).of(Comment)}
    gone = next(iter(whole.values())).content_id
    _, again = wired()
    kept: Any = getattr(again.emulator, "_list_comments")  # noqa: B009  # only this bench's emulator has it

    def without(request: Any, brand: Any) -> Any:
        if request.params["video_id"] == gone:
            raise Denied(40007, "the video does not exist")
        return kept(request, brand)

    monkeypatch.setattr(again.emulator, "_list_comments", without)
    found = {row.source_id: row for row in (await again.read("comments")).of(Comment)}
    assert found == {key: row for key, row in whole.items() if row.content_id != gone}
    assert found


@pytest.mark.parametrize("cursor", [7, None, True])
async def test_a_looping_or_missing_cursor_is_found(monkeypatch: pytest.MonkeyPatch, cursor: Any) -> None:
    _, bench = wired()
    circle = {"comments": [], "cursor": cursor, "has_more": True}
    monkeypatch.setattr(bench.emulator, "_list_comments", lambda request, brand: circle)
    with pytest.raises(ContractError, match="circle"):
        await bench.read("comments")
    with pytest.raises(ConfigurationError):
        await bench.read("comments", {"counts": "many"})


def comment(**changes: Any) -> dict[str, Any]:
    return {"comment_id": "1", "create_time": 1_782_800_000, "text": "hi", "status": "PUBLIC", "likes": 2} | changes


def test_what_a_comment_does_not_say_is_unknown() -> None:
    found = map_comment(comment(likes=None, status=None, unique_identifier="", user_id="9"), "v", None)
    assert (found.likes, found.replies, found.status, found.author_id) == (None, None, None, "9")
    assert map_comment(comment(status="PENDING_REVIEW"), "v", "p").status == "pending_review"


@pytest.mark.parametrize(
    "wrong", [{"comment_id": None}, {"comment_id": 1.5}, {"text": None}, {"create_time": None}, {"likes": "many"}]
)
def test_a_comment_that_cannot_be_read_is_rejected(wrong: dict[str, Any]) -> None:
    records, rejects = map_rows([comment(**wrong)], lambda row: map_comment(row, "v", None), Comment)
    assert (records, len(rejects)) == ([], 1)


def test_a_shown_comment_never_moves() -> None:
    world = small_world()
    of = middling(world)
    video = max(
        (v for v in world.videos(of.key, Network.TIKTOK) if v.creator_key is None),
        key=lambda v: v.totals(world.now).comments,
    )
    early, late = world.now - timedelta(days=3, hours=1), world.now
    fields = ("comment_id", "create_time", "text", "status")
    seen = [
        {row["comment_id"]: [row[f] for f in fields] for row in CommentBook().rows(video, at)} for at in (early, late)
    ]
    assert seen[0].items() <= seen[1].items()
    assert all(parent_of(parent_of(n)) == parent_of(n) for n in range(1_000))


def test_a_comment_on_another_video_is_not_taken_for_this_ones() -> None:
    records, rejects = map_rows([comment(video_id="w")], lambda row: map_comment(row, "v", None), Comment)
    assert (records, len(rejects)) == ([], 1)
    assert "another video" in rejects[0].reason
