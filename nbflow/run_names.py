"""Random but pleasant names of flow runs.

This module decides the words. It must not know runs.
"""

from __future__ import annotations

import random
from typing import Final

_ADJECTIVES: Final = """
    agile amber ample ardent austere balmy bold brave breezy bright brisk calm candid carmine
    cheerful civil clear clever cobalt copper coral cosy crimson crisp curious daring deft
    dewy eager early earnest easy electric elegant fabled fair fervent fine fleet fluent fond
    frank free fresh frosty gentle gilded glad golden graceful grand hardy hazel hearty honest
    humble indigo ivory jade jolly jovial keen kind lavender light lively lucid lucky lunar
    magnetic mellow merry mighty misty modest neat nimble noble olive opal open patient pearly
    placid playful plucky polite prime proud quick quiet radiant rapid ready rosy ruby rustic
    sage scarlet serene shiny silent silver simple sleek smooth snug solar solid spry stately
    steady sterling still stout sunny supple swift tawny tender tidy topaz trusty upbeat
    valiant velvet vivid warm wise witty zesty
""".split()  # noqa: SIM905 - a list of words reads better as text
_ANIMALS: Final = """
    alpaca antelope auk badger bat bear beaver bee bison bittern bobcat bream buffalo bunting
    buzzard camel caribou carp cat cheetah chough civet clam cod condor coot cormorant cow
    crab crane cricket crow cuckoo curlew deer dingo dolphin dory dove dragonfly duck dunlin
    eagle eel egret eider elk emu ermine falcon ferret finch firefly flamingo fox frog gannet
    gazelle gecko gibbon giraffe gnu goat goose goshawk grebe grouse gull hare harrier hawk
    hedgehog heron herring hoopoe horse hyena ibex ibis iguana impala jackal jackdaw jaguar
    jay kestrel kite kiwi koala kudu lark lemming lemur leopard linnet lion lizard llama
    lobster loon lynx macaw magpie mallard manatee marlin marmot marten meerkat merlin mink
    mole mongoose moose moth mouse mule narwhal newt nightjar numbat ocelot octopus okapi orca
    oriole osprey ostrich otter owl oyster panda panther parrot partridge pelican penguin
    perch petrel pheasant pigeon pika pike pipit plover pony puffin puma quail rabbit raccoon
    ram raven robin salmon seal serval shark sheep shrew skua sloth snail snipe sparrow squid
    squirrel starling stoat stork swallow swan swift tapir tern thrush tiger toad trout tuna
    turtle viper vole wagtail walrus weasel whale whimbrel wigeon wolf wombat wren yak zebra
""".split()  # noqa: SIM905 - a list of words reads better as text


def random_name() -> str:
    """A name a person can say and remember, such as `brisk-otter`; names may repeat."""
    return f"{random.choice(_ADJECTIVES)}-{random.choice(_ANIMALS)}"  # noqa: S311 - not a secret
