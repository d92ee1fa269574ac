"""`python -m workers`: all worker processes of one machine, until SIGTERM."""

from addon import environment
from addon.errors import SettingsError
from addon.setting_roles import withheld_from
from workers.launcher import main

if __name__ == "__main__":
    try:
        environment.give_up(withheld_from("worker"))
    except SettingsError as error:
        raise SystemExit(f"{error.message}. {error.remedy}") from None
    raise SystemExit(main())
