/** The stops of the tour, in both languages; what is shown at each, the view says. */

export const STOPS = [
  'memory',
  'vanish',
  'gates',
  'states',
  'reset',
  'candidate',
  'update',
  'blend',
  'product',
  'additive',
  'cliff',
  'direction',
  'horizon',
  'change',
] as const
export type Stop = (typeof STOPS)[number]

export interface StopWords {
  title: string
  text: string[]
  question: string
  options: [string, string, string]
  /** Which option is right. */
  right: 0 | 1 | 2
  answer: string
}

export const stopsEn: Record<Stop, StopWords> = {
  memory: {
    title: 'A short memory',
    text: [
      'A recurrent network reads one unit after the other and carries a state along. All that it knows of the past has to fit into that state.',
      'Here a plain RNN has read a text. We can ask of each output how much every earlier input still moves it.',
    ],
    question: 'In the triangle, where will the colour be?',
    options: [
      'Spread evenly',
      'Along the edge: the last few inputs',
      'On the left: the first inputs',
    ],
    right: 1,
    answer:
      'Almost all of it hugs the edge. The plain network answers from the last few inputs; what stood at the beginning has left no trace. Over a long paragraph, that is most of the meaning.',
  },
  vanish: {
    title: 'Why: the error fades on its way back',
    text: [
      'Forgetting begins in training. To learn that an early input mattered, the error has to travel from the loss back to that step, and at each step it is multiplied.',
      'Each bar is the size of the gradient at a step, on a scale of powers of ten.',
    ],
    question: 'If every step multiplies the error by 0.8, about how much is left after 50 steps?',
    options: ['About half', 'About a hundredth', 'About a hundred-thousandth'],
    right: 2,
    answer:
      '0.8 to the power of 50 is 0.000014. Such a gradient teaches nothing: early steps are as good as not there. Move the cursor and read what is left of each cell’s gradient.',
  },
  gates: {
    title: 'The answer: gates',
    text: [
      'A gate is a vector of numbers between 0 and 1 that multiplies another. 0 lets nothing pass, 1 lets all pass. Nobody sets it: the network learns from data when to open and when to close.',
      'In the tape, time runs to the right and each row is a unit. The upper map is the gate that keeps.',
    ],
    question: 'How does a unit that remembers look in that map?',
    options: ['A dark band that runs on', 'Dots, on and off', 'White throughout'],
    right: 0,
    answer:
      'A band: step after step its gate is near 1, so it keeps what it has. The units on top keep longest; at the bottom are those that start anew with each input. A network needs both.',
  },
  states: {
    title: 'One state or two',
    text: [
      'The LSTM carries two states: the cell state above, its long memory, and the hidden state below, what it shows of it. Three gates stand between.',
      'The GRU makes do with two gates and a single state that is memory and output at once. Their quality is often alike.',
    ],
    question: 'Which gate thins the threads of the upper band?',
    options: ['The forget gate f', 'The input gate i', 'The output gate o'],
    right: 0,
    answer:
      'The forget gate multiplies the old cell state: where it is near 0, the thread ends there. The input gate adds what is new, and the output gate decides how much goes down into the hidden state.',
  },
  reset: {
    title: 'First stage: the reset gate',
    text: [
      'Now the GRU, in three stages. First the reset gate: input and old state, each times its own weights, summed and squashed to lie between 0 and 1.',
      'Its wires are lit: solid from the old state, dashed from the input.',
    ],
    question: 'What does a reset gate of 0 do to a unit?',
    options: [
      'It erases the unit’s state',
      'Its candidate comes from the input alone',
      'It keeps the state unchanged',
    ],
    right: 1,
    answer:
      'The reset gate erases nothing. It only hides the old state from the candidate, which then depends on the input alone. Whether the old state goes, another gate decides.',
  },
  candidate: {
    title: 'The candidate',
    text: [
      'With the reset gate in place, the network proposes a new state: the old one times its weights, element by element times the reset gate, plus the input times its weights, through tanh.',
      'The chapter calls it r, we call it n. Below it stands with the numbers of this very step.',
    ],
    question: 'Between which numbers does a candidate always lie?',
    options: ['0 and 1', '−1 and 1', 'No bounds'],
    right: 1,
    answer:
      'tanh squashes everything to between −1 and 1: orange threads are positive, blue ones negative. Gates go through σ and lie between 0 and 1, which is why they are drawn in green.',
  },
  update: {
    title: 'Second stage: the update gate',
    text: [
      'The update gate has the same formula with weights of its own. It stands twice in the picture: above it multiplies the old state, below, as 1 − z, the candidate.',
      'What passes above is u, what is kept.',
    ],
    question: 'A unit’s update gate is 1. What is its new state?',
    options: ['The candidate', 'Halfway between', 'The old state, untouched'],
    right: 2,
    answer:
      'All of the old, nothing of the candidate. A unit whose gate stays near 1 carries a fact over many steps without computing it anew: that is the GRU’s long memory.',
  },
  blend: {
    title: 'Third stage: the new state',
    text: [
      'What is kept and what is new are added: h = (1 − z) ⊙ n + z ⊙ h before. It is a mean of the two, weighted by the gate, unit by unit.',
      'Look at the marked unit: its old state, its candidate and its update gate stand at the strips.',
    ],
    question: 'Can the new state lie outside of the old state and the candidate?',
    options: ['Yes, if the gate is large', 'Never', 'Only at the first step'],
    right: 1,
    answer:
      'Never: a weighted mean lies between the two. So the state of a GRU stays between −1 and 1, however long the sequence. Below you can follow it by hand, to the layer’s own number.',
  },
  product: {
    title: 'The gradient is a product',
    text: [
      'Backwards, each step is a matrix, its Jacobian, and the error at an early step is multiplied by all those between. Products of many numbers shrink or grow exponentially.',
      'The right-hand chart has that product for each cell.',
    ],
    question: 'What happens where the factors are a little above 1, step after step?',
    options: ['The gradient explodes', 'It stays as it is', 'It vanishes all the same'],
    right: 0,
    answer:
      'It grows without bound: 1.1 to the power of 100 is 13,781. Vanishing and exploding are the two faces of one product. In “What if” you can scale the recurrent matrix and watch it tip over.',
  },
  additive: {
    title: 'The additive path',
    text: [
      'A plain network replaces its whole state at each step. A gated one keeps a share and adds to it; and along what is kept, the error passes back, multiplied by the gate alone.',
      'The slider moves the bias of the keeping gate: how much the network keeps from the start.',
    ],
    question: 'You raise the bias. What happens to the half-lives?',
    options: ['They grow', 'They shrink', 'Nothing'],
    right: 0,
    answer:
      'The gates close to change, each step keeps more, and half of what is held lasts longer. The gradients of LSTM and GRU reach further back; the plain RNN has no such gate, and does not move.',
  },
  cliff: {
    title: 'The other danger: a cliff',
    text: [
      'Gates help against vanishing. Against explosion there is a remedy for training: clipping. Here is the loss of a network with one unit, over its two weights. It has a wall.',
      'Three walkers go downhill from the same place, the first without clipping.',
    ],
    question: 'What happens to the first walker at the wall?',
    options: ['It stops there', 'One huge step throws it far away', 'It walks along the wall'],
    right: 1,
    answer:
      'At the wall the gradient is enormous, and so is the step: everything learned so far is lost at once. Clipped walkers take short steps there and go on.',
  },
  direction: {
    title: 'By value, or by norm',
    text: [
      'By value, each component of the gradient is cut to the threshold. By norm, the whole arrow is scaled down when it is longer than the threshold.',
      'Go to the hardest step and compare the arrows. Drag the circle to change the threshold.',
    ],
    question: 'Which of the two turns the arrow?',
    options: ['By value', 'By norm', 'Both'],
    right: 0,
    answer:
      'Cutting the longer component alone changes the direction; the angle stands beside the picture. Scaling the whole arrow keeps it: by norm turns by 0°. That is why it is the usual choice.',
  },
  horizon: {
    title: 'How far does it look now?',
    text: [
      'The same triangle as at the first stop, now for the GRU on the same text. The memory horizon is the lag within which 95% of the influence lies.',
    ],
    question: 'Compared with the plain RNN, the coloured part of the triangle …',
    options: ['is as thin', 'reaches further in', 'is gone'],
    right: 1,
    answer:
      'It reaches further in, along columns: single inputs that go on mattering. Switch the cell in the Memory view to compare, and look at the loss by context: where it is flat, more memory no longer helps.',
  },
  change: {
    title: 'Your turn: what if?',
    text: [
      'Everything here is computed in this page, from the weights. Hold the marked unit’s update gate at 1, change the input, or scale the recurrent matrix, and watch the outputs.',
    ],
    question:
      'You hold one unit’s update gate at 1 for the whole sequence. What does that unit hold?',
    options: ['The last input', 'What it started with: zero', 'A random number'],
    right: 1,
    answer:
      'It starts at zero and keeps it: the unit is silent. Most of the time the text is foretold nearly as well, for others do its work. A few units matter much more: find one.',
  },
}

export const stopsPt: Record<Stop, StopWords> = {
  memory: {
    title: 'Uma memória curta',
    text: [
      'Uma rede recorrente lê uma unidade depois da outra e leva consigo um estado. Tudo o que ela sabe do passado precisa caber nesse estado.',
      'Aqui, uma RNN simples leu um texto. De cada saída podemos perguntar quanto cada entrada anterior ainda a move.',
    ],
    question: 'Onde vai estar a cor no triângulo?',
    options: [
      'Espalhada por igual',
      'Junto à borda: nas últimas entradas',
      'À esquerda: nas primeiras entradas',
    ],
    right: 1,
    answer:
      'Quase toda fica colada à borda. A rede simples responde a partir das últimas entradas; o que estava no começo não deixou rastro. Num parágrafo longo, isso é a maior parte do sentido.',
  },
  vanish: {
    title: 'Por quê: o erro se apaga no caminho de volta',
    text: [
      'O esquecimento começa no treino. Para aprender que uma entrada antiga importava, o erro tem de viajar da perda até aquele passo, e a cada passo ele é multiplicado.',
      'Cada barra é o tamanho do gradiente num passo; a escala é de potências de dez.',
    ],
    question:
      'Se cada passo multiplica o erro por 0,8, quanto resta, mais ou menos, depois de 50 passos?',
    options: ['Cerca da metade', 'Cerca de um centésimo', 'Cerca de um centésimo de milésimo'],
    right: 2,
    answer:
      '0,8 elevado a 50 é 0,000014. Um gradiente assim não ensina nada: é como se os primeiros passos não existissem. Mova o cursor e leia o que resta do gradiente em cada célula.',
  },
  gates: {
    title: 'A resposta: portões',
    text: [
      'Um portão é um vetor de números entre 0 e 1 que multiplica outro. O 0 não deixa passar nada, o 1 deixa passar tudo. Ninguém o ajusta: a rede aprende com os dados quando abrir e quando fechar.',
      'Na fita, o tempo corre para a direita e cada linha é uma unidade. O mapa de cima é o portão que mantém.',
    ],
    question: 'Como aparece nesse mapa uma unidade que se lembra?',
    options: [
      'Uma faixa escura que segue em frente',
      'Pontos, ora sim, ora não',
      'Branca de ponta a ponta',
    ],
    right: 0,
    answer:
      'Uma faixa: passo após passo, o portão fica perto de 1, e ela mantém o que tem. No alto estão as que conservam por mais tempo; embaixo, as que recomeçam a cada entrada. Uma rede precisa das duas.',
  },
  states: {
    title: 'Um estado ou dois',
    text: [
      'A LSTM leva dois estados: em cima o estado da célula, sua memória longa, e embaixo o estado oculto, o que ela mostra dessa memória. Entre eles há três portões.',
      'A GRU se vira com dois portões e um só estado, que é memória e saída ao mesmo tempo. A qualidade das duas costuma ser parecida.',
    ],
    question: 'Qual portão afina os fios da faixa de cima?',
    options: ['O de esquecimento, f', 'O de entrada, i', 'O de saída, o'],
    right: 0,
    answer:
      'O portão de esquecimento multiplica o estado antigo da célula: onde está perto de 0, o fio acaba ali. O de entrada soma o que é novo, e o de saída decide quanto desce para o estado oculto.',
  },
  reset: {
    title: 'Primeira etapa: o portão de redefinição',
    text: [
      'Agora a GRU, em três etapas. Primeiro, o portão de redefinição: a entrada e o estado antigo, cada um vezes os seus pesos, somados e comprimidos entre 0 e 1.',
      'Os fios dele estão acesos: contínuo o do estado antigo, tracejado o da entrada.',
    ],
    question: 'O que um portão de redefinição em 0 faz com uma unidade?',
    options: [
      'Apaga o estado dela',
      'A proposta dela vem só da entrada',
      'Mantém o estado sem mudança',
    ],
    right: 1,
    answer:
      'O portão de redefinição não apaga nada. Ele só esconde o estado antigo da proposta, que passa a depender apenas da entrada. Se o estado antigo vai embora, quem decide é outro portão.',
  },
  candidate: {
    title: 'O estado proposto',
    text: [
      'Com o portão de redefinição pronto, a rede propõe um novo estado: o antigo vezes os seus pesos, elemento por elemento vezes o portão, mais a entrada vezes os pesos dela, tudo pela tanh.',
      'O capítulo o chama de r; nós, de n. Abaixo ele aparece com os números deste mesmo passo.',
    ],
    question: 'Entre que números fica sempre um estado proposto?',
    options: ['0 e 1', '−1 e 1', 'Sem limites'],
    right: 1,
    answer:
      'A tanh comprime tudo entre −1 e 1: fios laranja são positivos, azuis são negativos. Os portões passam pela σ e ficam entre 0 e 1; por isso são desenhados em verde.',
  },
  update: {
    title: 'Segunda etapa: o portão de atualização',
    text: [
      'O portão de atualização tem a mesma fórmula, com pesos próprios. Ele aparece duas vezes no desenho: em cima multiplica o estado antigo; embaixo, como 1 − z, a proposta.',
      'O que passa em cima é u, o que é mantido.',
    ],
    question: 'O portão de atualização de uma unidade vale 1. Qual é o novo estado dela?',
    options: ['A proposta', 'O meio do caminho', 'O estado antigo, intacto'],
    right: 2,
    answer:
      'Todo o antigo, nada da proposta. Uma unidade cujo portão fica perto de 1 leva um fato por muitos passos sem calculá-lo de novo: essa é a memória longa da GRU.',
  },
  blend: {
    title: 'Terceira etapa: o novo estado',
    text: [
      'O que foi mantido e o que é novo se somam: h = (1 − z) ⊙ n + z ⊙ h anterior. É uma média dos dois, com o portão como peso, unidade por unidade.',
      'Olhe a unidade marcada: o estado antigo, a proposta e o portão de atualização estão junto às tiras.',
    ],
    question: 'O novo estado pode ficar fora do intervalo entre o estado antigo e a proposta?',
    options: ['Sim, se o portão for grande', 'Nunca', 'Só no primeiro passo'],
    right: 1,
    answer:
      'Nunca: uma média ponderada fica entre os dois. Por isso o estado de uma GRU permanece entre −1 e 1, por mais longa que seja a sequência. Abaixo você o segue à mão, até o número da própria camada.',
  },
  product: {
    title: 'O gradiente é um produto',
    text: [
      'De trás para a frente, cada passo é uma matriz, o seu jacobiano, e o erro num passo antigo é multiplicado por todas as que estão no meio. Produtos de muitos números encolhem ou crescem exponencialmente.',
      'O gráfico da direita traz esse produto para cada célula.',
    ],
    question: 'E se os fatores ficam um pouco acima de 1, passo após passo?',
    options: ['O gradiente explode', 'Ele fica como está', 'Ele some do mesmo jeito'],
    right: 0,
    answer:
      'Ele cresce sem limite: 1,1 elevado a 100 é 13.781. Dissipação e explosão são as duas faces de um mesmo produto. Em “E se” você pode aumentar a matriz recorrente e ver quando ele vira.',
  },
  additive: {
    title: 'O caminho aditivo',
    text: [
      'Uma rede simples troca o estado inteiro a cada passo. Uma rede com portões mantém uma parte e soma a ela; e, ao longo do que é mantido, o erro volta multiplicado apenas pelo portão.',
      'O controle move o viés do portão que mantém: quanto a rede conserva de saída.',
    ],
    question: 'Você aumenta o viés. O que acontece com as meias-vidas?',
    options: ['Crescem', 'Diminuem', 'Nada'],
    right: 0,
    answer:
      'Os portões mantêm mais, cada passo conserva mais, e metade do que se guarda dura mais tempo. Os gradientes da LSTM e da GRU chegam mais longe; a RNN simples não tem esse portão e não se mexe.',
  },
  cliff: {
    title: 'O outro perigo: um penhasco',
    text: [
      'Os portões ajudam contra a dissipação. Contra a explosão há um remédio para o treino: o clipping. Aqui está a perda de uma rede de uma unidade, sobre os seus dois pesos. Ela tem um paredão.',
      'Três caminhantes descem a partir do mesmo lugar, o primeiro sem clipping.',
    ],
    question: 'O que acontece com o primeiro caminhante no paredão?',
    options: ['Ele para ali', 'Um passo enorme o lança para longe', 'Ele anda ao longo do paredão'],
    right: 1,
    answer:
      'No paredão o gradiente é enorme, e o passo também: tudo o que se aprendeu até ali se perde de uma vez. Os caminhantes com clipping dão passos curtos e seguem em frente.',
  },
  direction: {
    title: 'Por valor ou pela norma',
    text: [
      'Por valor, cada componente do gradiente é cortado no limite. Pela norma, a seta inteira é reduzida quando é mais comprida que o limite.',
      'Vá ao passo mais duro e compare as setas. Arraste o círculo para mudar o limite.',
    ],
    question: 'Qual dos dois vira a seta?',
    options: ['Por valor', 'Pela norma', 'Os dois'],
    right: 0,
    answer:
      'Cortar só o componente maior muda a direção; o ângulo está ao lado do desenho. Reduzir a seta inteira a conserva: pela norma, ela vira 0°. Por isso essa é a escolha habitual.',
  },
  horizon: {
    title: 'E agora, até onde ela olha?',
    text: [
      'O mesmo triângulo da primeira parada, agora para a GRU, no mesmo texto. O horizonte de memória é a distância dentro da qual está 95% da influência.',
    ],
    question: 'Comparada com a RNN simples, a parte colorida do triângulo …',
    options: ['é tão fina quanto', 'entra mais fundo', 'sumiu'],
    right: 1,
    answer:
      'Ela entra mais fundo, ao longo de colunas: entradas isoladas que continuam importando. Troque a célula na vista Memória para comparar e olhe a perda por contexto: onde é plana, mais memória já não ajuda.',
  },
  change: {
    title: 'Sua vez: e se?',
    text: [
      'Tudo aqui é calculado nesta página, a partir dos pesos. Fixe em 1 o portão de atualização da unidade marcada, mude a entrada ou aumente a matriz recorrente, e observe as saídas.',
    ],
    question:
      'Você fixa em 1 o portão de atualização de uma unidade na sequência toda. O que ela guarda?',
    options: ['A última entrada', 'Aquilo com que começou: zero', 'Um número sorteado'],
    right: 1,
    answer:
      'Ela começa em zero e o mantém: a unidade se cala. Quase sempre o texto é previsto quase tão bem, pois outras fazem o trabalho dela. Algumas poucas pesam muito mais: encontre uma.',
  },
}
