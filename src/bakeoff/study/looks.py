"""What a study's own record says of looks at its test set by other studies."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from bakeoff.data.looks import Ledger, Looks
from bakeoff.data.splits import images_tested
from bakeoff.store.claims import Claim
from bakeoff.store.database import Event, Store
from bakeoff.study.plan import Plan

KIND = "looked at before"


def note(plan: Plan, store: Store, claim: Claim, weights: str) -> None:
    """Record that a claimed run opens the test set for its final weights, and how often other studies had opened it.

    What others did before is kept with the study, so that its report says the same wherever it is made.
    """
    store.log(claim, "test opened", weights)
    ledger = ledger_of(plan)
    own = {record.run_id for record in store.records()}
    others = ledger.others(own)
    if others.runs:
        store.log(claim, KIND, json.dumps(asdict(others)))
    ledger.add(plan.study_id, claim.run_id)


def ledger_of(plan: Plan) -> Ledger:
    """Return the ledger of the plan's test set."""
    return Ledger(plan.where.cache, plan.images, images_tested(plan.images, plan.study.data, plan.study.protocol))


def before(events: Iterable[Event]) -> Looks:
    """Return the looks of other studies before the last look of this one."""
    told = [Looks(**json.loads(event.detail)) for event in events if event.kind == KIND]
    return max(told, key=lambda looks: looks.runs, default=Looks(0, 0))


def sentence(looks: Looks) -> str:
    """Say how often others looked at a test set, and what that means; nothing where none did."""
    if not looks.runs:
        return ""
    studies = "another study" if looks.studies == 1 else f"{looks.studies:,} other studies"
    share = f"{100 * looks.share:.0f} %" if looks.share >= 0.01 else "less than 1 %"
    what, them = ("This test set", "it") if looks.share == 1 else (f"Of these test images, {share}", "them")
    return (
        f"{what} had been looked at before by {studies} on this machine "
        f"({looks.runs:,} run{'s' if looks.runs > 1 else ''}). "
        f"What was chosen after seeing those results is not judged honestly by {them} any more."
    )
