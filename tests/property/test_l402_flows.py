"""Client and server flows against each other and against anything: no exception, no free ride, no second payment."""

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from lnherd.l402 import bolt11, client_steps, headers, macaroon, server_steps
from lnherd.l402.bitcoin import Network
from lnherd.l402.client_flow import ClientFlow, ClientPolicy
from lnherd.l402.client_steps import Deliver, Origin, Refuse
from lnherd.l402.offers import Offer
from lnherd.l402.server_flow import ServerFlow
from lnherd.l402.server_steps import Allow, Respond

NOW = 1_700_000_000
ORIGIN = Origin("https", "api.example.org", 443)
KEY = b"\x01" * 32


class World:
    """One server and one wallet, in memory: performs the effects of both flows and counts the money."""

    def __init__(self, offer, seed=0):
        self.offer = offer
        self.records = {}
        self.preimages = {}
        self.paid_msat = 0
        self.now_s = float(NOW)
        self.seed = seed

    def entropy(self, n):
        self.seed += 1
        return sha256(str(self.seed).encode()).digest()[:n]

    def serve(self, authorization, macaroons=()):
        flow = ServerFlow(self.offer, self.entropy)
        step = flow.receive(server_steps.Request(self.now_s, authorization, macaroons))
        while not isinstance(step, Allow | Respond):
            step = flow.receive(getattr(self, type(step).__name__)(step))
        return step

    def FindToken(self, step):  # noqa: N802
        return server_steps.Token(self.records.get(step.key))

    def Spend(self, step):  # noqa: N802
        record = self.records[step.key]
        if record.units < step.units:
            return server_steps.Spent(None)
        self.records[step.key] = record._replace(units=record.units - step.units)
        return server_steps.Spent(record.units - step.units)

    def IssueInvoice(self, step):  # noqa: N802
        preimage = self.entropy(32)
        payment_hash = sha256(preimage).digest()
        unsigned = bolt11.Invoice(
            Network.REGTEST,
            step.amount_msat,
            int(self.now_s),
            payment_hash,
            self.entropy(32),
            step.memo,
            expiry_s=step.expiry_s,
        )
        text = bolt11.sign(unsigned, KEY).text
        self.preimages[payment_hash] = preimage
        return server_steps.Issued(text, payment_hash)

    def SaveToken(self, step):  # noqa: N802
        self.records[step.key] = step.record
        return server_steps.Saved()

    def fetch(self, stored=None):
        """One client flow; gives the decision and the token kept on the way."""
        flow = ClientFlow(ClientPolicy(Network.REGTEST))
        event, kept = client_steps.Begin(ORIGIN, stored), stored
        while True:
            step = flow.receive(event)
            match step:
                case client_steps.Send(authorization):
                    answer = self.serve([authorization] if authorization else [])
                    lines = getattr(answer, "headers", [])
                    values = [value for name, value in lines if name == "WWW-Authenticate"]
                    status = 200 if isinstance(answer, Allow) else answer.status
                    event = client_steps.Answer(self.now_s, ORIGIN, status, values, getattr(answer, "body", b""))
                case client_steps.Forget():
                    event, kept = client_steps.Forgotten(), None
                case client_steps.Reserve():
                    event = client_steps.Granted()
                case client_steps.Pay():
                    self.paid_msat += step.amount_msat
                    event = client_steps.Paid(self.preimages[step.payment_hash], 1)
                case client_steps.Keep():
                    event, kept = client_steps.Kept(), step.authorization
                case _:
                    return step, kept


OFFERS = st.builds(
    Offer,
    price_msat=st.integers(1, 1_000_000),
    service=st.sampled_from(["api", "web/v1", "a-b.c"]),
    tier=st.integers(0, 255),
    valid_for_s=st.none() | st.integers(1, 1000),
    units=st.none() | st.integers(1, 5),
    description=st.text(max_size=50),
)


@given(OFFERS, st.lists(st.integers(0, 400), max_size=8))
@settings(deadline=None)
def test_every_request_is_served_and_paid_for_no_more_than_needed(offer, pauses):
    world = World(offer)
    stored, needed, left, expires_s = None, 0, 0, 0.0
    for pause in [0, *pauses]:
        world.now_s += pause
        usable = needed and (offer.units is None or left) and (offer.valid_for_s is None or world.now_s < expires_s)
        if not usable:
            needed += 1
            left = offer.units or 0
            expires_s = world.now_s + (offer.valid_for_s or 0)
        decision, stored = world.fetch(stored)
        assert decision == Deliver()
        left -= 1
        assert world.paid_msat == needed * offer.price_msat


TOKENS = st.builds(
    lambda root, identifier, conditions: macaroon.mint(root, identifier, conditions).to_text(),
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=70)
    | st.builds(lambda tail: b"\0\0" + sha256(bytes(32)).digest() + tail, st.binary(min_size=32, max_size=32)),
    st.lists(st.sampled_from(["services=api:0", "junk", "a=b", "services=api:999"])).map(tuple),
)
CREDENTIALS = st.one_of(
    st.text(max_size=100),
    st.builds(lambda token: headers.authorization(token, bytes(32)), TOKENS),
    st.builds(lambda token, rest: f"L402 {token}{rest}", TOKENS, st.text(max_size=80)),
)


@given(st.lists(CREDENTIALS, max_size=4), st.lists(st.text("0123456789abcdefg", max_size=300), max_size=2))
def test_nobody_gets_in_without_paying(authorization, macaroons):
    decision = World(Offer(1, "api")).serve(authorization, macaroons)
    assert isinstance(decision, Respond)
    assert decision.status == 402


@given(st.integers(0, 2**32), st.data())
def test_an_altered_credential_does_not_open(seed, data):
    world = World(Offer(1, "api", valid_for_s=60), seed)
    _, stored = world.fetch()
    assert isinstance(world.serve([stored]), Allow)
    place = data.draw(st.integers(len("L402 "), len(stored) - 1))
    altered = stored[:place] + data.draw(st.sampled_from("abcdefgh0123456789ABC+/=:,")) + stored[place + 1 :]
    decision = world.serve([altered])
    assert isinstance(decision, Allow) == (meaning(altered) == meaning(stored))


def meaning(credential):
    """All of a credential that counts: the location is a hint outside the HMAC, and hex has two cases."""
    return [
        (tuple(token._replace(location=b"") for token in found.macaroons), found.preimage)
        for found in headers.read_credentials([credential])
        if isinstance(found, headers.Credential)
    ]


RESPONSES = st.builds(
    client_steps.Answer,
    st.floats(0, 2e9),
    st.just(ORIGIN) | st.builds(Origin, st.text(max_size=5), st.text(max_size=20), st.integers(0, 65535)),
    st.just(402) | st.integers(100, 599),
    st.lists(
        st.text(max_size=80)
        | st.builds(
            lambda token, invoice: f'L402 token="{token}", invoice="{invoice}"',
            TOKENS,
            st.text("lnbcrt1qpzry", max_size=60),
        ),
        max_size=3,
    ),
    st.binary(max_size=100) | st.text(max_size=100).map(str.encode),
)


@given(RESPONSES, st.none() | st.text(max_size=30))
def test_no_response_confuses_the_client(answer, stored):
    flow = ClientFlow(ClientPolicy(Network.REGTEST))
    flow.receive(client_steps.Begin(ORIGIN, stored))
    step = flow.receive(answer)
    if isinstance(step, client_steps.Forget):
        step = flow.receive(client_steps.Forgotten())
    assert isinstance(step, Deliver | Refuse)
