import 'katex/dist/katex.min.css'
import 'uplot/dist/uPlot.min.css'

import { mount } from 'svelte'

import './app.css'
import App from './App.svelte'

const target = document.getElementById('app')!
target.replaceChildren() // the name that stood there while this was read
mount(App, { target })
