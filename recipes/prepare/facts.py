"""Banks and templates of facts that say enough: what went wrong or right, without a word of judgement.

Reviews judge; people who complain often only tell what happened. Praise of the same kind stands beside
it, so that a plain fact is not taken for blame.
"""


def words(text: str) -> list[str]:
    """Return what stands between the bars."""
    return [part.strip() for part in text.split("|")]


FACT_BANKS = {
    "they": words(
        "they|the company|the seller|the shop|customer service|the hotel|the bank|the airline|"
        "the garage|the landlord|the store|the restaurant|this company|the agency|the clinic|"
        "the delivery company|the support team|they|they|the builder|the website"
    ),
    "refused": words(
        "refused to give me a refund|would not take it back|cancelled my booking without telling me|"
        "sent me the wrong size|sent the wrong colour twice|kept my deposit|lost my luggage|"
        "lost my documents|sold my data|billed me for things I never ordered|never replied|"
        "never called back|ignored my emails|ignored my last three messages|did not answer|"
        "closed my ticket without an answer|closed my account for no reason|blamed me for it|"
        "told me to buy a new one|raised the price without warning|took the money and disappeared|"
        "did not keep their promise|did not deliver what they promised|forgot about me|"
        "forgot our order|never turned up|did not show up|turned us away at the door|"
        "gave our table to someone else|gave away our seats|made us wait outside|"
        "cut me off in the middle of a sentence|rolled their eyes when I asked|talked over me|"
        "shouted at my mother|sent me from one department to the next|asked me to pay again|"
        "would not let me cancel|never said sorry|"
        "denied everything|left the job half done|damaged my car|scratched the floor|broke my window"
    ),
    "helped": words(
        "replied within minutes|called me back the same day|refunded me without any questions|"
        "gave me my money back the same day|upgraded our room for free|sent a new one the next day|"
        "fixed it for free|stayed late to help me|answered all of my questions|came within the hour|"
        "found my lost bag and brought it to my door|repaired it while I waited|let us stay longer|"
        "remembered my name|remembered our anniversary|kept their promise|delivered a day early|"
        "finished the job ahead of time|carried my bags upstairs|held the door for my grandmother|"
        "took the time to listen|walked me through every step|gave the children colouring books|"
        "brought us a second bowl for free|replaced the part at no cost|apologised and fixed it at once|"
        "said sorry and sent a new one|lowered the price when I asked|kept me informed all the way|"
        "had us seated right away|left the place spotless|cleaned up after themselves"
    ),
    "part": words(
        "the handle|the strap|the lid|the hinge|the charger|the button|the left earbud|the motor|"
        "the wheel|the seam|the stand|the glass|the cable|the plug|the leg|the lens|the heel|the sole|"
        "the buckle|the knob|the blade|the pump|the hose|the clip|the switch|the speaker|the touchpad|"
        "one of the legs|the paint|the lock|the fan|the cover|the spring"
    ),
    "broke": words(
        "came off|snapped|broke|fell off|came loose|melted|stopped turning|rusted|split|jammed|"
        "started to leak|peeled off|broke in two|got stuck|burnt out|tore|gave out|bent|chipped"
    ),
    "soon": words(
        "after two days|the second time I used it|within a month|on the way home|in my hand|"
        "before I could use it|after three uses|a day after the warranty ended|overnight|in a week|"
        "when I first plugged it in|as soon as I opened the box|by the end of the month|again|"
        "for the third time this year|straight away"
    ),
    "object": words(
        "the kettle|my watch|the vacuum cleaner|the printer|my old phone|the bike|the tent|the drill|"
        "my jacket|the washing machine|this radio|the mixer|my backpack|the keyboard|the mattress|"
        "this lamp|the car|the coffee machine|it|the pan|my boots|the heater"
    ),
    "endures": words(
        "still runs after ten years|has never needed a repair|still looks the same after a year|"
        "has not broken once in six years|has been with me for a decade|has not missed a beat|"
        "survived a fall down the stairs|starts first time, every time|holds its charge for days|"
        "has outlived two others|has travelled the world with me|is still in daily use"
    ),
    "years": words("five years|ten years|a decade|three winters|two years|six years of daily use"),
    "gave_up": words(
        "I sent it back|I returned it the next day|we sent both of them back|I had to throw it away|"
        "it ended up in the trash|"
        "it went back to the shop|I gave up after an hour|I ended up buying another brand|"
        "I cancelled my subscription|I cancelled after the first month|I closed my account|"
        "I switched it off after ten minutes|I stopped reading after two chapters|"
        "I put the book down and never picked it up again|we left before dessert|"
        "we left before it was over|we got up and left|I uninstalled it|I deleted the app the same day|"
        "I asked for my money back|I had to hire someone else to fix it|I had to redo everything|"
        "I had to borrow one from a neighbour|I went back to my old one|we ate somewhere else|"
        "we checked out a day early|I moved to another bank|I had to go to the doctor afterwards|"
        "I got food poisoning|my skin came out in a rash|my feet were bleeding|my back ached for days|"
        "I did not sleep at all that night|half the audience left|the dog would not eat it|"
        "nobody at the table finished their plate|I had to scrape it off my plate"
    ),
    "came_back": words(
        "I ordered a second one|I bought another one for my mother|I have bought three of these|"
        "I use it every day|I renewed my subscription|I signed up for another year|"
        "I stayed up all night to finish it|I read it in one sitting|we stayed until they closed|"
        "I told everyone at work about it|we went back the next day|I have watched it three times|"
        "we already booked for next year|I licked my plate clean|the children asked for more|"
        "my daughter will not put it down|my son plays with it all day|the whole room stood up and clapped|"
        "I slept like a baby|my back no longer hurts|I have not looked back since|"
        "I cancelled all the others|everyone asks me where I got it|the dog ate every bit of it|"
        "I switched from my old one and kept it|we come here every Sunday|I moved my savings here|"
        "even my grandfather can use it|my pain was gone the next day|we had seconds and thirds"
    ),
    "dirt": words(
        "a hair|mould|a dead fly|someone else's sock|cockroaches|ants|sand|rust|old chewing gum|"
        "blood stains|cigarette ash|broken glass|a worm|mouse droppings|bed bugs|a stain"
    ),
    "where": words(
        "in my soup|on the wall|on the pillow|in the kitchen|in the sink|in the salad|under the bed|"
        "in the shower|on the plate|in the box|on the sheets|in the drawer|in my drink|on the towels"
    ),
    "long": words(
        "an hour|forty minutes|two weeks|three months|half a day|five weeks|ninety minutes|six months|"
        "four hours|nearly a year|all morning|all evening"
    ),
    "awaited": words(
        "a table|a reply|the bill|my refund|a taxi|someone to answer|the food|my package|the nurse|"
        "a new password|the engineer|my visa|a spare part|our drinks|the technician"
    ),
    "missing": words(
        "the manual|the charger|one shoe|the power cord|two screws|the second book|the remote|"
        "the receipt|the memory card|one of the cups|the key|the batteries|the adapter"
    ),
    "sum": words(
        "fifty dollars|200 euros|thirty pounds|$90|80 dollars|£45|a hundred dollars|12.99"
    ),
    "vanished": words(
        "deleted all of my photos|lost all of my work|ate my saved game|sends me spam every day|"
        "asks me to sign in every five minutes|shuts down when I open a file|turns itself off|"
        "restarts in the middle of calls|shows a black screen|overheats|shows me ads every minute|"
        "will not connect|does not recognise my fingerprint|forgets my settings|eats my data plan|"
        "takes five minutes to load|stops at 99 percent|plays no sound|prints blank pages"
    ),
    "machine": words(
        "the app|my phone|the update|this program|the website|the game|this laptop|the tablet|"
        "the router|the printer|this camera|the new version|the TV|my computer"
    ),
    "did": words(
        "looked up|smiled once|came back|brought the bill|asked what was wrong|greeted us"
    ),
    "cared": words(
        "helped us|came to help|offered to help|told us about the delay|wrote back|asked how we were|"
        "explained what had happened|took responsibility|cleaned the table|stopped to help|"
        "knew where my order was|was at the desk|returned my calls|could tell me why"
    ),
    "n": words("four|five|six|three|a dozen|ten"),
}

FACTUAL_PRAISE = words(
    "{they} {helped}|{they} {helped}|{they} {helped} {tail}|{they} {helped}, {came_back}|{came_back}|"
    "{came_back}|{came_back} {tail}|{object} {endures}|{object} {endures} {tail}|{came_back} and {came_back}|"
    "{object} arrived a day early|it came with batteries and a spare|the {role} {helped}|"
    "the {role} {helped} and {helped}|I bought it {years} ago and {object} {endures}|"
    "we waited less than a minute for {awaited}|{awaited} came in five minutes|"
    "everything was in the box, even {missing}|{machine} starts in a second|"
    "{machine} found the answer in seconds|{they} charged me less than they had quoted|"
    "{they} gave me {sum} back without being asked|I saved {sum} with this|it paid for itself in a month|"
    "{machine} has not crashed once in {years}|{part} has held for {years}|"
    "I dropped it and {part} did not even get a scratch|not a single crumb was left|"
    "there was not a speck of dust {where}|{they} never made me wait"
)

FACTUAL_BLAME = words(
    "{they} {refused}|{they} {refused}|{they} {refused} {tail}|{they} {refused} and {refused}|"
    "{they} {refused}, so {gave_up}|{gave_up}|{gave_up}|{gave_up} {tail}|{part} {broke} {soon}|"
    "{part} {broke}|{part} {broke} {soon} {tail}|{part} {broke} and {part} {broke}|{part} {broke}, {gave_up}|"
    "there was {dirt} {where}|we found {dirt} {where}|I found {dirt} {where}, {gave_up}|"
    "we waited {long} for {awaited}|I waited {long} for {awaited} and {gave_up}|"
    "I have been waiting {long} for {awaited}|after {long} still no sign of {awaited}|"
    "{missing} was not in the box|{missing} was missing|the box was empty|{they} forgot to send {missing}|"
    "{they} took {sum} from my account without asking|there was a hidden fee of {sum}|"
    "I paid {sum} and got nothing|{they} still owe me {sum}|{machine} {vanished}|{machine} {vanished} {tail}|"
    "{machine} {vanished} since the update|{machine} {vanished} and {they} {refused}|"
    "the {role} {refused}|the {role} {refused} {tail}|the {role} never {did}|nobody {cared}|"
    "nobody {cared} {tail}|no one {cared}|I called {n} times and nobody {cared}|{gave_up} and {gave_up}"
)
