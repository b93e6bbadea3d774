"""Every rule there is, in the order pages and reports list them. A rule that is not written here does not exist."""

from __future__ import annotations

from scanner.domain.rule import Rule
from scanner.rules import (
    nr101_root_by_default,
    nr102_root_by_request,
    nr103_root_in_disguise,
    nr104_user_unknown,
    nr105_user_not_numeric,
    nr106_user_out_of_range,
    nr107_uid_reserved,
    nr110_root_group,
    nr112_platforms_disagree,
    nr114_ambiguous_config,
    nr115_privileges_dropped_at_start,
    nr201_second_root_account,
    nr202_account_remapped,
    nr203_account_files_writable,
    nr204_account_files_malformed,
    nr205_password_empty,
    nr301_home_unset,
    nr302_home_not_writable,
    nr303_workdir_not_writable,
    nr401_privileged_port,
    nr402_setuid_root,
    nr403_file_capabilities,
)

RULES: tuple[Rule, ...] = (
    nr101_root_by_default.RULE,
    nr102_root_by_request.RULE,
    nr103_root_in_disguise.RULE,
    nr104_user_unknown.RULE,
    nr105_user_not_numeric.RULE,
    nr106_user_out_of_range.RULE,
    nr107_uid_reserved.RULE,
    nr110_root_group.RULE,
    nr112_platforms_disagree.RULE,
    nr114_ambiguous_config.RULE,
    nr115_privileges_dropped_at_start.RULE,
    nr201_second_root_account.RULE,
    nr202_account_remapped.RULE,
    nr203_account_files_writable.RULE,
    nr204_account_files_malformed.RULE,
    nr205_password_empty.RULE,
    nr301_home_unset.RULE,
    nr302_home_not_writable.RULE,
    nr303_workdir_not_writable.RULE,
    nr401_privileged_port.RULE,
    nr402_setuid_root.RULE,
    nr403_file_capabilities.RULE,
)
