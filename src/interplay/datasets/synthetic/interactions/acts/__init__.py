"""The acts, by kind of place or thing; importing this package fills `registry.ACTS`."""

from . import ball_in_hand as ball_in_hand
from . import baseball as baseball
from . import carrying_boards as carrying_boards
from . import dogs as dogs
from . import drinking as drinking
from . import eating as eating
from . import horses as horses
from . import kicking as kicking
from . import lying as lying
from . import riding as riding
from . import sitting as sitting
from . import skateboarding as skateboarding
from . import snacks as snacks
from . import surfing as surfing
