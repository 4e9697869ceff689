"""What people do: the acts, by kind of place or object, all in `ACTS`."""

from . import bags as bags
from . import ball_in_hand as ball_in_hand
from . import baseball as baseball
from . import benches as benches
from . import bystanders as bystanders
from . import bystanders_indoors as bystanders_indoors
from . import carrying_boards as carrying_boards
from . import carrying_indoors as carrying_indoors
from . import chairs as chairs
from . import company as company
from . import cutting as cutting
from . import dogs as dogs
from . import drinking as drinking
from . import eating as eating
from . import frisbee as frisbee
from . import grooming as grooming
from . import horses as horses
from . import kicking as kicking
from . import kites as kites
from . import lying as lying
from . import machines as machines
from . import motions as motions
from . import onlookers as onlookers
from . import onlookers_indoors as onlookers_indoors
from . import pets_indoors as pets_indoors
from . import phones as phones
from . import playing_together as playing_together
from . import pouring as pouring
from . import reading as reading
from . import riding as riding
from . import screens as screens
from . import sitting as sitting
from . import skateboarding as skateboarding
from . import skiing as skiing
from . import snacks as snacks
from . import snowboarding as snowboarding
from . import street as street
from . import suitcases as suitcases
from . import surfing as surfing
from . import tennis as tennis
from . import umbrellas as umbrellas
from .registry import ACTS, Act, find_acts, perform

__all__ = ["ACTS", "Act", "find_acts", "perform"]
