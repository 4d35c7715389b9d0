### Everything that dwell says to a person about their time: notifications, the prompt, the report's digest.
###
### A sentence is plain and kind. It says what is and what can be done; it does not praise, blame, count streaks or
### raise its voice. A target "closes" and "opens again", as a shop does, whether it is an app, a site or a category.
###
### To translate: copy this file to your language's tag (el.ftl), translate what you like, and add one line to LOCALES in
### mod.rs. What is not translated is said in English.
###
### $name      what the rule is about: "YouTube", "youtube.com", "Screen time"
### $per       the period of a budget: hour, day, week or month
### $budget, $used, $left, $length, $planned    lengths of time, written "1h 30m"
### $again     one of the messages "….at" of the next section, $until one of "….until"
### $more      the message "more" or "more-odd"

## Instants. $time is a time of day, "04:00".

today =
    .at = at { $time }
    .until = until { $time }
tomorrow =
    .at = tomorrow at { $time }
    .until = until tomorrow at { $time }
# Within the next six days. $weekday: 1 for Monday to 7 for Sunday.
weekday =
    .at = { $weekday ->
        [1] on Monday
        [2] on Tuesday
        [3] on Wednesday
        [4] on Thursday
        [5] on Friday
        [6] on Saturday
       *[7] on Sunday
    } at { $time }
    .until = { $weekday ->
        [1] until Monday
        [2] until Tuesday
        [3] until Wednesday
        [4] until Thursday
        [5] until Friday
        [6] until Saturday
       *[7] until Sunday
    } at { $time }
date =
    .at = on { $day } { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    } at { $time }
    .until = until { $day } { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    } at { $time }

## Words that stand in several places.

# The target of a rule about all screen time.
everything = Screen time
# Two sentences, one after the other.
sentences = { $first } { $second }
more = { $minutes ->
    [one] { $minutes } more minute
   *[other] { $minutes } more minutes
}
# Where the length is no whole number of minutes.
more-odd = { $length } more

## The buttons of notifications and of the prompt. The one that puts a limit off is the message "more".

button-close = Close
button-why = Why

## Before a limit.

# A budget is nearly used up; the second sentence depends on what happens then.
warning =
    .summary = { $name }: { $left } left { $per ->
        [hour] this hour
        [week] this week
        [month] this month
       *[day] today
    }
    .notify = { $used } of { $budget } used. You will be told when it is used up.
    .block = { $used } of { $budget } used. After that it is closed { $until }.
    .close = { $used } of { $budget } used. After that it is asked to close: a good moment to save your work.
    .freeze = { $used } of { $budget } used. After that it is frozen { $until }: a good moment to save your work.
    .lock = { $used } of { $budget } used. After that the screen is locked: a good moment to save your work.
# Its hours are nearly over.
closes =
    .summary = { $name } closes at { $time }
    .block = It opens again { $again }.
    .close = It is asked to close then: a good moment to save your work. It opens again { $again }.
    .freeze = It is frozen then: a good moment to save your work. It goes on { $again }.
    .lock = The screen is locked then: a good moment to save your work. It opens again { $again }.
# The same where the person only wants to be told.
hours-end =
    .summary = { $name }: your hours end at { $time }
    .body = They begin again { $again }.

## At a limit. First what was reached …

reached-time =
    .summary = { $name }: that was { $per ->
        [hour] this hour’s time
        [week] this week’s time
        [month] this month’s time
       *[day] today’s time
    }
    .closed = { $per ->
        [hour] This hour’s { $budget } are used.
        [week] This week’s { $budget } are used.
        [month] This month’s { $budget } are used.
       *[day] Today’s { $budget } are used.
    }
    .told = You had planned { $budget } for { $per ->
        [hour] this hour
        [week] this week
        [month] this month
       *[day] today
    }.
# A budget of nothing at all.
reached-none =
    .summary = { $name } is closed
    .closed = There is no time for it in your plan.
    .told = There is no time for it in your plan.
    .today = There is no time for it today.
reached-visits =
    .summary = { $name }: { $visits ->
        [one] that was
       *[other] those were
    } { $per ->
        [hour] this hour’s
        [week] this week’s
        [month] this month’s
       *[day] today’s
    } { $visits ->
        [one] visit
       *[other] visits
    }
    .closed = { $per ->
        [hour] This hour’s
        [week] This week’s
        [month] This month’s
       *[day] Today’s
    } { $visits ->
        [one] visit is used.
       *[other] { $visits } visits are used.
    }
    .told = { $visits ->
        [one] You had planned one visit for
       *[other] You had planned { $visits } visits for
    } { $per ->
        [hour] this hour
        [week] this week
        [month] this month
       *[day] today
    }.
reached-hours =
    .summary = { $name } is closed now
    .closed = These are not its hours.
    .told = You had not planned it for this time.
reached-focus = A focus session runs.
# A rule that only tells closes nothing.
outside-hours = { $name }: outside your hours

## … then what was done about it.

done =
    .closed = It opens again { $again }.
    .asked-to-close = It was asked to close, and opens again { $again }.
    .kept = It still holds work, so it was only put away. It opens again { $again }.
    .frozen = It is frozen, and goes on { $again } as you left it.
    .not-frozen = It cannot be frozen safely, so it was put away. It opens again { $again }.
    .locked = The screen was locked. It opens again { $again }.
# The person opened it while it is closed.
returned =
    .summary = { $name } is still closed
# A browser without the extension, or a private window, while a site is closed.
unseen =
    .summary = { $browser } was put away
    .closed = { $name } is closed, and dwell cannot see what is open here.
    .until = { $name } is closed { $until }, and dwell cannot see what is open here.
# What the button "Why" tells: what was reached, this, and when it opens again.
why =
    .summary = Why { $name } is closed
    .told = About { $name }
    .rule = That is your rule “{ $rule }”.

## A limit that is put off.

snooze-waits =
    .summary = { $name }: { $more } from { $time }
    .itself = It opens by itself then, { $until }.
    .sentence = From then on, type your sentence: dwell snooze { $target }
# $left: how often it can be put off today still.
snoozed =
    .summary = { $name }: { $more }
    .body = { $left ->
        [0] Open { $until }, for the last time today.
        [one] Open { $until }. After that, once more today.
       *[other] Open { $until }. After that, { $left } more times today.
    }
# Another rule is about it as well.
still =
    .until = Another rule of yours, “{ $rule }”, keeps it closed { $until }.
    .never = Another rule of yours, “{ $rule }”, keeps it closed.
snooze-over =
    .summary = { $name }: the extra time is over
no-snooze =
    .summary = { $name }: no more extra time today

## Focus sessions, intentions, the pause, the emergency exit, changes, the reset week.

focus-over =
    .summary = The focus session is over
    .body = It lasted { $length }. Everything is open again as your rules have it.
# $to: the person’s own words.
intention-over =
    .summary = { $name }: { $planned } are over
    .purpose = You opened { $name } for { $planned } to “{ $to }”. That time is over.
    .body = You opened { $name } for { $planned }. That time is over.
pause-over =
    .summary = The pause is over
    .body = Your rules hold again.
exit-holds =
    .summary = Your rules are off
    .body = They hold again { $again }.
exit-over =
    .summary = Your rules hold again
    .body = A new day has begun.
# $id names the change.
change-ready =
    .summary = { $name }: the change can be made now
    .body = To make it: dwell limit confirm { $id }. Otherwise everything stays as it is.
reset-over =
    .summary = The reset week is over
    .body = Your own rules are back, unchanged.

## The prompt: a window. Its title is that of the notice. Lengths are spelled out, for screen readers.

length =
    .seconds = { $seconds ->
        [one] { $seconds } second
       *[other] { $seconds } seconds
    }
    .minutes = { $minutes ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    }
    .hours = { $hours ->
        [one] { $hours } hour
       *[other] { $hours } hours
    }
    .both = { $hours ->
        [one] { $hours } hour
       *[other] { $hours } hours
    } { $minutes ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    }
prompt =
    .look-up = { $name }: a moment to look up
    .also = Also at the limit: { $names }.
    .rules = The rules that apply
    .bar = Used
    .nobody = dwell does not answer. It may be starting anew.
    .close-does = Asks the windows of { $name } to close.
    .why-does = Shows the rules that apply.
    .category = Everything in “{ $category }”
# What stands by the bar.
prompt-used =
    .minutes = { $used } of { $budget ->
        [one] { $budget } minute
       *[other] { $budget } minutes
    }
    .lengths = { $used } of { $budget }
    .visits = { $used } of { $budget ->
        [one] { $budget } visit
       *[other] { $budget } visits
    }
# The button that puts a limit off. $time: minutes and seconds, "1:30".
prompt-more =
    .in = { $more }, in { $time }
    .in-seconds = { $more }, in { $seconds } s
    .waits = { $seconds ->
        [one] Can be pressed after { $seconds } second.
       *[other] Can be pressed after { $seconds } seconds.
    }
    .left = { $left ->
        [one] Once more today.
       *[other] { $left } times left today.
    }
prompt-sentence =
    .field = Your sentence
    .asks = For { $more }, type: “{ $sentence }”
    .another = That is not the sentence yet. Commas and full stops count as well.
# A rule: what it is about, and what there is to say of it, with semicolons in between.
prompt-rule =
    .line = { $name }: { $says }
    .used = { $used } { $per ->
        [hour] this hour
        [week] this week
        [month] this month
       *[day] today
    }
    .blocked = blocked { $windows }
    .allowed = allowed { $windows }
    .days = only { $days }
    .off = off for now
    .put-off = put off { $until }
    .again = opens again { $again }
    .never = closed, for it allows no time

## The digest in the report: what was not worth a notification of its own.

digest =
    .time = { $name }: its { $budget } were used by { $time }
    .visits = { $name }: its { $visits ->
        [one] one visit was
       *[other] { $visits } visits were
    } used by { $time }
    .hours = { $name }: outside its hours at { $time }
    .none = { $name }: opened at { $time }, outside your plan
    .focus = { $name }: opened at { $time }, in a focus session

## The summary of a week. What moved less than a person would notice is not said. $time: in this week, $before: in the
## week before, $by: the difference; all lengths of time.

week-heading =
    .whole = The week
    .rose = More than the week before
    .fell = Less than the week before
    .limits = Limits
    .planned = Planned
week-total =
    .plain = { $time } of screen time.
    .more = { $time } of screen time, { $by } more than the week before.
    .less = { $time } of screen time, { $by } less than the week before.
week-moved =
    .more = { $name }: { $time }, { $by } more than the week before.
    .less = { $name }: { $time }, { $by } less than the week before.
    .new = { $name }: { $time }; the week before none.
    .gone = { $name }: none; the week before { $before }.
# $planned and $used: of all times together.
week-planned = { $times ->
    [one] Planned once: { $planned }, of which { $used } were used.
   *[other] Planned { $times } times: { $planned } together, of which { $used } were used.
}
# $planned and $lasted: of all sessions together.
week-focus = { $sessions ->
    [one] One focus session, planned for { $planned }: it lasted { $lasted }.
   *[other] { $sessions } focus sessions, planned for { $planned } together: they lasted { $lasted }.
}
week-ready =
    .summary = Your week is ready to read
    .body = It is in { $file }, which only you can read.
