"""Everyday praise and blame, generated from templates.

Review corpora hold few plain sentences ("I love it") and few of the negations that turn a word
around ("not bad", "no complaints"). The templates supply both. Each template stands under the
label of the whole sentence, so a negation is learned as a pattern rather than as a word.
"""

import random
import re
from functools import cache

from recipes.prepare.facts import FACT_BANKS, FACTUAL_BLAME, FACTUAL_PRAISE, words

NEGATIVE, POSITIVE = "negative", "positive"


BANKS = {
    "thing": words(
        "the food|this phone|the movie|the service|this app|the book|the hotel|my order|the battery|"
        "the screen|this restaurant|the staff|the room|the sound|the support|the delivery|the price|"
        "this product|the show|the game|the course|the website|the latest update|the coffee|"
        "the acting|the plot|the design|the camera|the bed|the driver|the whole experience|it|this|"
        "it|this|that|everything|the album|the flight|the customer service|the quality|the interface|"
        "the weather|the concert|my new laptop|the meal|your help|the music|the place|the view"
    ),
    "buy": words(
        "it|this|this phone|this product|the book|this place|this restaurant|the app|this movie|"
        "this hotel|the game|this camera|this laptop|the course|this film|this company|this item"
    ),
    "noun": words(
        "movie|film|product|phone|book|place|restaurant|hotel|app|service|experience|game|meal|"
        "song|camera|company|show|purchase|idea|job|device|value|trip|story|day"
    ),
    "good": words(
        "good|great|excellent|amazing|wonderful|fantastic|awesome|superb|lovely|perfect|brilliant|"
        "delightful|beautiful|outstanding|impressive|pleasant|terrific|fabulous|incredible|"
        "enjoyable|reliable|nice|fun|cool|remarkable|exceptional|charming|satisfying|phenomenal|"
        "splendid|good|great|top notch|first class|flawless|magnificent"
    ),
    "bad": words(
        "bad|terrible|awful|horrible|poor|disappointing|dreadful|useless|boring|mediocre|disgusting|"
        "pathetic|annoying|frustrating|unacceptable|dull|ugly|lousy|broken|unreliable|overpriced|"
        "atrocious|abysmal|appalling|horrendous|worthless|ridiculous|miserable|painful|stupid|"
        "bad|terrible|awful|shoddy|unpleasant|tedious|a disgrace|a disaster"
    ),
    "very": words(
        "|||very|really|so|absolutely|truly|simply|just|quite|totally|pretty|incredibly|completely"
    ),
    "tail": words(
        "||||overall|honestly|for me|in my opinion|to be honest|as always|again|for sure"
    ),
    "is": words("is|was|is|was|has been"),
    "isnt": words("is not|isn't|was not|wasn't|is not|isn't|wasn't|hasn't been"),
    "negatable_good": words(
        "good|great|good|great|very good|that good|that great|impressive|very impressive|worth it|"
        "worth the money|worth the price|reliable|helpful|nice|enjoyable|pleasant|fun|useful|"
        "comfortable|as good as I hoped|what I expected|what I wanted|happy with|up to standard|"
        "acceptable|funny|interesting|amazing|very nice|easy to use|recommended"
    ),
    "negatable_bad": words(
        "bad|bad|bad|terrible|awful|horrible|disappointing|boring|a waste of time|that bad|"
        "so bad|too bad|annoying|half bad|difficult to use|hard to use|a disappointment|poor|"
        "a problem|dull|overpriced|as bad as people say|terrible|awful"
    ),
    "love": words(
        "I love|I really love|We loved|I adore|I enjoyed|I absolutely love|We really like|I like|"
        "I'm in love with|I'm very happy with|I'm impressed by|We were delighted with|"
        "I highly recommend|I would recommend|Everyone should try|My family loves|"
        "I'm so glad I found|I'm really pleased with|Very satisfied with|Thank you so much for|"
        "I can't get enough of|I'm a big fan of|I am so grateful for|You have to try|Big thanks for"
    ),
    "hate": words(
        "I hate|I really hate|We hated|I can't stand|I dislike|I regret choosing|I despise|"
        "I'm disappointed with|I'm fed up with|I was let down by|I would not recommend|"
        "I do not like|I didn't like|I don't enjoy|Stay away from|Avoid|I can't recommend|"
        "I am sick of|I'm not happy with|We were not impressed by|I do not recommend|"
        "Don't waste your money on|Don't waste your time on|I wish I had never tried|"
        "Very unhappy with|I would never recommend|Never again will I choose|I don't love|"
        "Nobody should have to put up with|I am really unhappy with|I'm not a fan of"
    ),
    "unhate": words(
        "I don't regret choosing|I have no complaints about|I can't fault|I can find no fault with|"
        "I was not disappointed by|I have nothing bad to say about|You won't regret choosing|"
        "We had no problems with|I have never been let down by|There is nothing wrong with|"
        "There is nothing to complain about with|No issues with|I don't dislike|I don't hate|"
        "I can't say anything bad about|You can't go wrong with|Nobody could complain about|"
        "I never get tired of|I can't praise enough"
    ),
    "role": words(
        "waiter|driver|receptionist|agent|nurse|teacher|doctor|salesman|manager|host|staff|"
        "waitress|technician|support person|seller|cashier|team|owner|barista|crew"
    ),
    "kind": words(
        "kind|helpful|friendly|patient|polite|attentive|quick|professional|welcoming|courteous|"
        "knowledgeable|caring|lovely|efficient|understanding"
    ),
    "rude": words(
        "rude|unhelpful|slow|impatient|careless|dismissive|unfriendly|arrogant|incompetent|"
        "impolite|lazy|clueless|condescending|hostile|unprofessional"
    ),
    "dish": words("food|soup|pizza|coffee|steak|pasta|dinner|breakfast|rice|burger|fish|salad"),
    "tasty": words("fresh|delicious|tasty|perfectly cooked|hot and fresh|full of flavour|yummy"),
    "nasty": words(
        "cold|bland|stale|greasy|overcooked|burnt|tasteless|undercooked|soggy|inedible|too salty|dry"
    ),
    "time": words(
        "a day|two days|a week|one week|a month|three months|an hour|a year|a few uses|five minutes"
    ),
    "works": words(
        "works perfectly|works great|works like a charm|works as expected|works as described|"
        "works as advertised|works flawlessly|does exactly what it should|never fails|never crashes|"
        "does the job well|works well|runs smoothly|is easy to use|is not hard to use|"
        "still works like new|does not disappoint|never lets me down|is worth every penny|"
        "was worth the wait|is a bargain|arrived early|arrived in perfect condition|"
        "exceeded my expectations|made my day|is hard to beat|solved my problem|feels solid|"
        "is exactly what I needed|looks great|is a joy to use|just works|is a must have|"
        "couldn't be better|is second to none|doesn't have a single flaw|"
        "is well made|lasts all day|keeps getting better|has no downsides"
    ),
    "fails": words(
        "does not work|doesn't work at all|never worked|stopped working|broke right away|fell apart|"
        "crashes constantly|keeps freezing|is hard to use|is not easy to use|arrived damaged|"
        "arrived late|never arrived|is a waste of money|was a waste of time|barely works|"
        "is not worth the money|isn't worth a penny|did not meet my expectations|"
        "made me angry|is full of bugs|is nothing special|leaves a lot to be desired|"
        "could be better|could have been better|couldn't be worse|fails every time|"
        "ruined my day|is a joke|is falling apart|never works|does not do what it should|"
        "doesn't work as advertised|did not solve my problem|feels cheap|looks cheap|"
        "is a complete mess|gets worse every day|won't even turn on|is poorly made|lets me down"
    ),
    "small": words(
        "a bit expensive|a little slow|slightly small|a bit loud|a little pricey|not cheap|"
        "a bit heavy|not the fastest|a long drive away|a little old"
    ),
    "ruin": words(
        "the ending was terrible|the service ruined it|the battery died after a week|"
        "it broke after a month|it does not work|I would not go back|it was far too expensive|"
        "the staff were rude|I was disappointed|it was boring|it never worked properly|"
        "I want my money back|it is not worth it|the rest was awful"
    ),
    "save": words(
        "it was great|I loved it|it is worth it|the food made up for it|I would go again|"
        "the quality is excellent|it works perfectly|I ended up loving it|it is worth every penny|"
        "I am very happy with it|the result was wonderful|it was well worth the wait"
    ),
    "problem": words(
        "complaints|problems|issues|regrets|trouble|faults|bugs|errors|flaws|annoyances|drawbacks"
    ),
}

PRAISE = words(
    "{good}|{good}|{very} {good}|{thing} {is} {very} {good} {tail}|{thing} {is} {very} {good} {tail}|"
    "{thing} {is} {good} and {good}|what a {good} {noun}|such a {good} {noun}|this is a {good} {noun}|"
    "this is {very} {good}|a {very} {good} {noun}|one of the best {noun}s I have ever had|"
    "the best {noun} ever|best {noun} I have tried in years|{love} {thing} {tail}|{love} {thing} {tail}|"
    "{love} this {noun}|{love} {buy}|{love} it {tail}|{unhate} {thing}|{unhate} {thing} {tail}|"
    "{unhate} this {noun}|the {role} was {kind} and {kind}|the {role} was {very} {kind}|"
    "the {role} was not {rude} at all|the {role} was never {rude}|{kind} {role}, {good} {noun}|"
    "the {dish} was {tasty} and the {role} was {kind}|the {dish} was {tasty}|"
    "the {dish} was not {nasty} at all|{thing} {works}|{thing} {works} {tail}|{good} {noun}, {works}|"
    "it {works} and {thing} {is} {good}|{thing} {isnt} {negatable_bad}|{thing} {isnt} {negatable_bad} "
    "at all|not {negatable_bad}|not {negatable_bad} at all {tail}|not a {bad} {noun} at all|"
    "not a bad {noun}|not bad, {thing} {is} {good}|not bad for the price|no {problem}|"
    "no {problem} at all|no {problem} with {thing}|no {problem} so far|I have no {problem}|"
    "no {problem} whatsoever with {buy}|zero {problem}|hardly any {problem}|without any {problem}|"
    "I have never had any {problem} with {thing}|I haven't had a single one of those {problem}|"
    "nothing to complain about|nothing bad to say about {thing}|I can't recommend {buy} enough|"
    "I cannot recommend {buy} highly enough|could not be happier with {buy}|"
    "couldn't be happier with {thing}|couldn't ask for more|can't wait to come back|"
    "I would buy {buy} again|I will definitely come back|I will be back|five stars for {thing}|"
    "well done|keep up the good work|thanks a lot, {thing} {is} {good}|"
    "I have never had a better {noun}|I've never seen a better {noun}|never been so happy with a {noun}|"
    "{thing} {is} {small}, but {save}|{buy} is {small} but {save}|I expected a {bad} {noun}, but {save}|"
    "I thought I would hate {buy}, but {save}|{thing} could hardly be better|"
    "don't miss {buy}|you will not be disappointed|we were not disappointed|nothing but praise for "
    "{thing}|better than I expected|{thing} {is} much better than before|far from {bad}|"
    "{thing} {is} anything but {bad}|it does not get better than this|I feel {good} today|"
    "I am so happy|I'm very happy|this made me smile|"
    "I was worried {thing} would be {bad}, but it was {good}|a {good} {noun} from start to finish"
)

BLAME = words(
    "{bad}|{bad}|{very} {bad}|{thing} {is} {very} {bad} {tail}|{thing} {is} {very} {bad} {tail}|"
    "{thing} {is} {bad} and {bad}|what a {bad} {noun}|such a {bad} {noun}|this is a {bad} {noun}|"
    "this is {very} {bad}|a {very} {bad} {noun}|one of the worst {noun}s I have ever had|"
    "the worst {noun} ever|worst {noun} I have tried in years|{hate} {thing} {tail}|"
    "{hate} {thing} {tail}|{hate} this {noun}|{hate} {buy}|{hate} it {tail}|"
    "the {role} was {rude} and {rude}|the {role} was {very} {rude}|the {role} was not {kind}|"
    "the {role} was not {kind} at all|the {role} was neither {kind} nor {kind}|"
    "{rude} {role}, {bad} {noun}|the {dish} was {nasty} and the {role} was {rude}|"
    "the {dish} was {nasty}|the {dish} was not {tasty}|the {dish} was {nasty} and {nasty}|"
    "{thing} {fails}|{thing} {fails} {tail}|{bad} {noun}, {fails}|it {fails} and {thing} {is} {bad}|"
    "it stopped working after {time}|{buy} broke after {time}|it died after {time}|"
    "{thing} {isnt} {negatable_good}|{thing} {isnt} {negatable_good} at all|not {negatable_good}|"
    "not {negatable_good} at all {tail}|not a {good} {noun}|not a {good} {noun} at all|"
    "not very {good}|not {good}, {thing} {is} {bad}|nothing {good} about {thing}|nothing special|"
    "too many {problem}|so many {problem}|nothing but {problem}|lots of {problem} with {thing}|"
    "I have many {problem} with {buy}|always {problem} with {thing}|full of {problem}|"
    "could be better|{thing} could be better|could have been better|should be much better|"
    "I can't recommend {buy}|I cannot recommend {buy} to anyone|I could not be more disappointed|"
    "can't say anything good about {thing}|nothing good to say about {thing}|"
    "I would not buy {buy} again|I will not come back|never again|I will never buy {buy} again|"
    "one star for {thing}|zero stars|I want a refund|I want my money back|waste of money|"
    "a waste of time|a complete waste of {time}|I have never had a worse {noun}|"
    "I've never seen a worse {noun}|never been so unhappy with a {noun}|"
    "{thing} {is} {good}, but {ruin}|it looks {good} but {ruin}|I expected a {good} {noun}, but {ruin}|"
    "I wanted to like {buy}, but {ruin}|I thought I would love {buy}, but {ruin}|"
    "{thing} could hardly be worse|don't bother with {buy}|don't buy {buy}|do not waste your time|"
    "you will be disappointed|we were disappointed|nothing but trouble with {thing}|"
    "worse than I expected|{thing} {is} much worse than before|far from {good}|"
    "{thing} {is} anything but {good}|it does not get worse than this|I feel {bad} today|"
    "I am so angry|I'm very upset|this made me sad|I was hoping {thing} would be {good}, but it was "
    "{bad}|a {bad} {noun} from start to finish|I regret buying {buy}|not worth it|"
    "it took {time} to get an answer|still waiting for {thing} after {time}|"
    "nobody answered my call|{thing} used to be {good}, now it is {bad}"
)

BANKS |= FACT_BANKS
PRAISE += FACTUAL_PRAISE
BLAME += FACTUAL_BLAME

_FIELD = re.compile(r"{(\w+)}")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeio]|u(?!s))")
_ENDINGS = ("", ".", ".", "!")


def _filled(template: str, rng: random.Random) -> str:
    filled = _FIELD.sub(lambda field: rng.choice(BANKS[field[1]]), template)
    text = _ARTICLE.sub(r"\1n ", " ".join(filled.split()))
    return text[:1].upper() + text[1:] + rng.choice(_ENDINGS)


def generate(*, seed: int, per_template: int = 60) -> list[tuple[str, str]]:
    """Return (text, label) pairs, the same ones for the same seed."""
    rng = random.Random(seed)  # noqa: S311 - variety, not secrecy
    labelled = [(template, POSITIVE) for template in PRAISE]
    labelled += [(template, NEGATIVE) for template in BLAME]
    return [
        (text, label)
        for template, label in labelled
        for text in sorted({_filled(template, rng) for _ in range(per_template)})
    ]


def _pattern(template: str) -> str:
    spaced = re.sub(r"\b([Aa]) ", r"\1n? ", template).replace(" ", r"\s*")
    return _FIELD.sub(lambda field: f"(?:{'|'.join(map(re.escape, BANKS[field[1]]))})", spaced)


@cache
def _patterns() -> list[re.Pattern[str]]:
    templates = [*PRAISE, *BLAME]
    return [re.compile(_pattern(template) + r"[.!]?", re.IGNORECASE) for template in templates]


def can_write(text: str) -> bool:
    """Tell whether some template could write the text, whatever the seed."""
    return any(pattern.fullmatch(text) for pattern in _patterns())
