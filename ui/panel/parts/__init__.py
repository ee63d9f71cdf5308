"""The building blocks of the pages. Texts of people and files are shown as text, never as HTML."""

from ui.panel.parts.actions import action as action
from ui.panel.parts.actions import confirm as confirm
from ui.panel.parts.actions import said as said
from ui.panel.parts.actions import sentence as sentence
from ui.panel.parts.actions import sentence_of as sentence_of
from ui.panel.parts.actions import toast as toast
from ui.panel.parts.bars import bar as bar
from ui.panel.parts.basics import banner as banner
from ui.panel.parts.basics import card as card
from ui.panel.parts.basics import empty as empty
from ui.panel.parts.basics import grid as grid
from ui.panel.parts.basics import icon as icon
from ui.panel.parts.basics import link as link
from ui.panel.parts.basics import pill as pill
from ui.panel.parts.basics import row as row
from ui.panel.parts.basics import stack as stack
from ui.panel.parts.basics import stat as stat
from ui.panel.parts.basics import text as text
from ui.panel.parts.basics import when as when
from ui.panel.parts.protection import HEALTH_WORDS as HEALTH_WORDS
from ui.panel.parts.protection import RUNG_WORDS as RUNG_WORDS
from ui.panel.parts.protection import protection as protection
