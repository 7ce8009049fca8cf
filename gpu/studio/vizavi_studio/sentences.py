"""Texts that the synthetic voices read: written for this project, with many lips and open vowels, and a small grammar for more."""

import random

OWN = """
Welcome! I am happy to see you here.|How may I help you this morning?|Please take a seat, somebody will be with you soon.
Thank you for waiting, we are almost done.|I beg your pardon, could you repeat that?|Let me have a look at your booking.
Maybe we should start from the very beginning.|Pam and Bob put a bowl of plums by the piano.|My mother made a pumpkin pie for Mum's birthday.
Peter's big brown pony jumped over a broken bumper.|Baby bibs, paper cups, and a pile of pebbles.|Move the map above the lamp, please.
Fifty-five fluffy foxes fought over four fish.|Every vivid violet valley has a view of the river.|Vera values very fine fabric and favourite vases.
Why would a wise woman wait in windy weather?|You knew the new blue shoes were too loose.|Oh no, the snow has frozen on the only road home.
Show Joe the slow boat that goes below the bridge.|Father's large car was parked far from the farm.|All along the wall there were small tall dolls.
Five thin thieves thought about other things.|This brother, that mother, and the other father gather feathers.|There they breathe smooth northern weather.
She surely wishes to wash the shiny shells.|Charles chose cheap cheese and a chunk of cherry cake.|George judged the huge orange engine on the edge.
The usual treasure gave Asia great pleasure.|Red rabbits run around rare roses.|Really loyal lawyers rarely lie.
Little Lily left a letter in the hall.|Nine noble knights never noticed the noon.|Singing strong songs all evening long is thrilling.
Keep calm and carry the quick cake to the kitchen.|Go and get a good bag of green grapes.|He hardly had a habit of hurrying home.
Yellow yachts from yesterday, young and yearning.|Zoe's lazy zebra dozes beside the noisy buzzers.|Six sisters sit still in the silent city.
Eat these green peas with me, please.|Ten red pens lay on the desk next to Ben.|A cat sat back on a black hat and that was that.
It is a thin fish in a big dish.|Good books should be put on a wooden hook.|Bird, girl, nurse, and work: the first words she heard.
Up above the muddy tub a lovely duck was stuck.|Boys enjoy the noise of coins and toys.|How loud is a cow in a brown house downtown?
I might try to fly a bright white kite at night.|Wait, they say the train may be late again today.|Sure, our tour of the poor moor is secure.
One, two, three, four, five, six, seven, eight, nine, ten.|Eleven, twelve, thirteen, twenty, thirty, one hundred, a million.|It costs ninety-nine dollars and eighty cents.
The bus to Birmingham departs at half past seven.|On Monday, February the second, we open at noon.|Call us from Wednesday to Friday, before five.
My name is Mira. What is yours?|Theo will show you around the museum.|That is a brilliant question!
Hm, let me think.|Yes.|No.|Perhaps.|Of course you can.|Why not?|I am not sure.|Wonderful!|Oh!|Well, it depends.|Right.
I'm sorry, but that product is no longer available.|Would you like to see some other models?|Simply press the blue button at the bottom.
We can deliver it to your home by tomorrow evening.|First open the box, then remove the protective film.|Everybody laughed when the monkey bowed.
The computer remembers where we stopped.|Nobody believed him, but it happened exactly like that.|I would rather have a cup of warm milk.
Mumble and grumble, tumble and stumble.|Pop the bubble, Bob, before Mom comes home.|Whispering willows wave over the water.
From above, the map looks empty.|Some problems simply disappear.|Bye-bye, and come back soon!
"""

WHO = ["my", "your", "the", "our", "her", "his", "every", "this", "another", "some"]
LIKE = (
    "big purple happy warm foolish brave yellow simple heavy smooth curious famous empty visible huge polite rough shiny "
    "modern available frozen proper blue common humble broad weird young loose ambitious feverish bumpy woven public"
).split()
THINGS = (
    "puppy farmer teacher robot camera window mother boat village mountain computer potato umbrella river phone company "
    "garden pilot moon table bishop member problem valley hammer apple baby zebra judge chef shop vase wolf violin family "
    "movie bottle paper pumpkin ship father doctor student museum airport office coffee soup book letter picture button "
    "screen keyboard number story song voice word smile shoulder morning summer winter ocean forest bridge tower castle "
    "hobby thumb leaf cave bathroom weather mouth tooth beam bomb map chief wave"
).split()
DID = (
    "found|bought|moved|watched|painted|followed|chose|pushed|dropped|measured|remembered|improved|broke|opened|kept|"
    "wrapped|loved|helped|washed|threw|caught|borrowed|believed|discovered|visited|jumped over|walked past|thought about"
).split("|")
HOW = (
    "slowly|before noon|in the morning|above the bridge|without a problem|every Wednesday|with both hands|in the rain|"
    "for five years|near the river|by himself|after the movie|in June|on the way home|from time to time|with a warm smile"
).split("|")


def sentences(count: int) -> list[str]:
    """The same for the same count."""
    draw = random.Random(11)

    def thing() -> str:
        like = draw.choice(LIKE) + " " if draw.random() < 0.6 else ""
        return f"{draw.choice(WHO)} {like}{draw.choice(THINGS)}"

    def sentence() -> str:
        kind = draw.random()
        if kind < 0.5:
            text = f"{thing()} {draw.choice(DID)} {thing()} {draw.choice(HOW)}."
        elif kind < 0.7:
            start = draw.choice(["I think", "we hope", "maybe", "of course", "it seems that", "remember,", "you know,"])
            text = f"{start} {thing()} {draw.choice(DID)} {thing()}, and {thing()} {draw.choice(DID)} {thing()}."
        elif kind < 0.85:
            start = draw.choice(["please", "could you", "we should", "I would", "let me", "they will", "why not"])
            deed = draw.choice("move bring open push watch choose wash improve buy believe follow".split())
            text = f"{start} {deed} {thing()} {draw.choice(HOW)}{'?' if start in ('could you', 'why not') else '.'}"
        else:
            text = f"{thing()}, {thing()}, and {thing()}!"
        return text[0].upper() + text[1:]

    own = [line for row in OWN.strip().split("\n") for line in row.split("|") if line]
    return (own + [sentence() for _ in range(max(0, count - len(own)))])[:count]
