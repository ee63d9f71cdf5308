"""The pages; each registers itself with ``ui.panel.frame.page`` when it is imported, and all are imported here."""

from ui.panel.pages import archive as archive
from ui.panel.pages import archives as archives
from ui.panel.pages import connection as connection
from ui.panel.pages import connections as connections
from ui.panel.pages import front_panel as front_panel
from ui.panel.pages import log as log
from ui.panel.pages import notifications as notifications
from ui.panel.pages import overview as overview
from ui.panel.pages import profile as profile
from ui.panel.pages import recovery_sheet as recovery_sheet
from ui.panel.pages import script as script
from ui.panel.pages import scripts as scripts
from ui.panel.pages import settings as settings
from ui.panel.pages import transfers as transfers
from ui.panel.pages import users as users
from ui.panel.pages import welcome as welcome
