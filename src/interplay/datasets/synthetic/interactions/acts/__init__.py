"""The acts, by kind of place or thing; importing this package fills `registry.ACTS`."""

from . import bags as bags
from . import ball_in_hand as ball_in_hand
from . import baseball as baseball
from . import carrying_boards as carrying_boards
from . import cutting as cutting
from . import dogs as dogs
from . import drinking as drinking
from . import eating as eating
from . import frisbee as frisbee
from . import horses as horses
from . import kicking as kicking
from . import kites as kites
from . import lying as lying
from . import machines as machines
from . import phones as phones
from . import pouring as pouring
from . import reading as reading
from . import riding as riding
from . import screens as screens
from . import sitting as sitting
from . import skateboarding as skateboarding
from . import snacks as snacks
from . import suitcases as suitcases
from . import surfing as surfing
from . import tennis as tennis
from . import umbrellas as umbrellas
