-- A stream process compares the end of its service's topic with the log before it folds anything.

do $$
begin
    execute format('grant select on log.lane to %I', current_setting('evenkeel.service') || '_stream');
end $$;
