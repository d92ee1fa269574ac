"""Short details by the words before them: security code, expiry, date of birth, e-mail address."""

import pytest

from addon.analysis.spoken_details import Conversation, details
from addon.analysis.spoken_numbers import Speech
from addon.analysis.words import Word


def party(channel, text, at):
    words = [
        Word(word, at + 0.4 * index, at + 0.4 * index + 0.3, 0.9, channel)
        for index, word in enumerate(text.split())
    ]
    return Speech(channel, words, [(at, words[-1].stop)])


def found(kind, customer, agent="Hello."):
    parties = [party(0, customer, 10.0), party(1, agent, 5.0)]
    return details(Conversation.of(parties), parties, kind)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("security_code", "the CVV is one two three"),
        ("security_code", "my C.V.C. is 123"),
        ("security_code", "security code one two tree"),
        ("security_code", "the three digits on the back are 4 5 6"),
        ("security_code", "my PIN is 1234"),
        ("security_code", "one two three is the security code"),
        ("expiry_date", "it expires oh four twenty seven"),
        ("expiry_date", "expiry date is 04/27"),
        ("expiry_date", "valid until April twenty seven"),
        ("date_of_birth", "my date of birth is the third of May nineteen eighty five"),
        ("date_of_birth", "I was born on 03/05/1985"),
        ("date_of_birth", "DOB is five three eighty five"),
        ("email_address", "it is ann dot lee at example dot com"),
        ("email_address", "ann.lee@example.co.uk please"),
    ],
)
def test_a_detail_is_found_with_the_segment_that_it_is_said_in(kind, said):
    [find] = found(kind, said)
    assert (find.kind, find.channel) == (kind, 0)
    assert find.interval[0] == 10.0


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("security_code", "And the security code please?"),
        ("expiry_date", "When does it expire?"),
        ("date_of_birth", "What is your birthday?"),
    ],
)
def test_the_other_party_may_ask_for_it(kind, asked):
    [find] = found(kind, "yes that is one two three four", asked)
    assert find.channel == 0


def test_digits_of_one_party_before_a_name_are_not_joined_with_the_others():
    """Words of one party were looked for among the other's, and the analysis failed."""
    customer = Speech(
        0,
        [Word(digit, at, at + 0.2, 0.9) for at, digit in ((1, "4"), (3, "6"), (4, "7"))],
        [(1, 4.2)],
    )
    agent = Speech(
        1, [Word("5", 2, 2.2, 0.9), *party(1, "is the security code", 5.0).words], [(2, 7)]
    )
    parties = [agent, customer]
    [find] = details(Conversation.of(parties), parties, "security_code")
    assert (find.channel, find.interval) == (0, (1, 4.2))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("security_code", "I have one two three parcels"),
        ("security_code", "what is a security code"),
        ("expiry_date", "it expired some time ago"),
        ("date_of_birth", "I was born in Boston"),
        ("email_address", "we meet at the station dot"),
        ("email_address", "look at example"),
    ],
)
def test_words_alone_are_no_detail(kind, said):
    assert found(kind, said) == []


@pytest.mark.parametrize(
    "said",
    [
        "my card number is", "the last four are", "your account number please",
        "you can call me at", "my social security number", "it is a Visa",
    ],
)  # fmt: skip
def test_a_number_is_announced_by_its_name(said):
    cues = Conversation.of([party(0, said, 0.0)]).cues()
    assert cues and all(0 < cue.at <= 0.4 * len(said.split()) for cue in cues)
    assert Conversation.of([party(0, "good morning", 0.0)]).cues() == []
